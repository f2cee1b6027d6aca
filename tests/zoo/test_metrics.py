"""Metrics against the packages that define them and against their formulas, on real faces."""

import itertools
import shutil
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from zoo import weights
from zoo.codes import Codes, CodeSpec, Posterior
from zoo.data.folder import Folder
from zoo.errors import ZooError
from zoo.interfaces import Encoder, Generator, Method
from zoo.metrics import (
    DiversityAccumulator,
    FeatureStatistics,
    evaluate,
    frechet_distance,
    load_inception,
    load_lpips,
    lpips_distance,
    written,
)
from zoo.visual import to_pixels


@pytest.fixture(scope="module")
def real_weights(weights_dir, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_OFFLINE", "1")
        patch.setenv("ZOO_WEIGHTS", str(weights_dir))
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch")))
        yield


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.delenv("ZOO_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def faces(samples_dir) -> Folder:
    return Folder(root=samples_dir / "celebamask", split="test", size=(64, 64), classes=19)


@pytest.fixture(scope="module")
def images(faces) -> torch.Tensor:
    return torch.stack([faces[i]["image"] for i in range(7)])


@pytest.fixture(scope="module")
def network(real_weights):
    return load_lpips()


@pytest.fixture(scope="module")
def package(real_weights):
    """The lpips package itself, with the trained trunk put in by hand."""
    import lpips

    model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    state = weights.load("alexnet")
    with torch.no_grad():
        for key, parameter in model.net.named_parameters():
            parameter.copy_(state["features." + key.split(".", 1)[1]])
    return model


class Painter(Generator):
    """Every pixel gets the three numbers of the code, shifted by its class."""

    code_specs: ClassVar = {"colour": CodeSpec((3,), ("channel",))}

    def __init__(self):
        super().__init__()
        self.painted = []

    def forward(self, label, codes):
        colour = codes["colour"]
        shade = (label.float() / 19).repeat_interleave(colour.shape[0] // label.shape[0], dim=0)
        self.painted.append(torch.tanh(colour[:, :, None, None] + shade[:, None]))
        return self.painted[-1]


class MeanColour(Encoder):
    def forward(self, image, label):
        mu = Codes({"colour": image.mean(dim=(2, 3))}, Painter.code_specs)
        return Posterior(mu, mu.map(torch.zeros_like))


class PaintByNumbers(Method):
    name = "paint_by_numbers"

    def __init__(self):
        super().__init__()
        self.generator, self.encoder = Painter(), MeanColour()

    def train_step(self, batch, optimizers):
        return {}


SAMPLED = ["diversity_lpips_alex", "top1_lpips_alex_l1"]
RECONSTRUCTED = ["fid_val_inception2015", "lpips_alex_reconstruction"]


def test_ground_truth_reaches_metrics_as_it_was_in_the_file():
    values = torch.arange(256)
    assert torch.equal(to_pixels((values.float() / 255 - 0.5) / 0.5), values.to(torch.uint8))


def test_synthesised_pictures_are_cut_off_to_bytes():
    assert written(torch.tensor([-2.0, -1.0, 0.0, 0.999, 1.0, 3.0])).tolist() == [0, 0, 127, 254, 255, 255]
    with pytest.raises(ZooError, match="not finite"):
        written(torch.tensor([0.0, float("nan")]))


def test_lpips_equals_the_package(network, package, images):
    ours = lpips_distance(network, images[:3], images[3:6])
    theirs = package(images[:3], images[3:6]).flatten()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert network.features == "alexnet (ImageNet)"


@pytest.mark.parametrize("chunks", [(7,), (1, 1, 1, 1, 1, 1, 1), (3, 4)])
def test_diversity_equals_the_package_over_all_pairs(network, package, images, chunks):
    accumulator = DiversityAccumulator(network)
    for chunk in images.split(list(chunks)):
        accumulator.update(chunk)
    with torch.no_grad():
        pairs = [float(package(a[None], b[None])) for a, b in itertools.combinations(images, 2)]
    assert accumulator.result() == pytest.approx(np.mean(pairs), abs=1e-6)


def test_diversity_of_equal_pictures_is_zero_and_of_one_undefined(network, images):
    accumulator = DiversityAccumulator(network)
    accumulator.update(images[:1])
    with pytest.raises(ValueError, match="at least two"):
        accumulator.result()
    accumulator.update(images[:1].expand(3, -1, -1, -1))
    assert accumulator.result() == pytest.approx(0, abs=1e-9)


def test_streamed_statistics_are_those_of_the_whole_set(tmp_path):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(50, 6)) * 3 + 100  # far from zero: a sum of squares would lose digits
    statistics = FeatureStatistics("test")
    for chunk in np.split(features, [1, 13, 20, 48]):
        statistics.update(torch.from_numpy(chunk))
    np.testing.assert_allclose(statistics.mean, features.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(statistics.covariance, np.cov(features, rowvar=False), rtol=1e-11)

    statistics.save(tmp_path / "faces.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["faces.npz"]
    again = FeatureStatistics.load(tmp_path / "faces.npz")
    assert frechet_distance(statistics, again) == pytest.approx(0, abs=1e-9)
    with np.load(tmp_path / "faces.npz") as file:  # the two names by which pytorch-fid reads such a file
        assert file["mu"].shape == (6,) and file["sigma"].shape == (6, 6)

    truncated = tmp_path / "short.npz"
    truncated.write_bytes((tmp_path / "faces.npz").read_bytes()[:-30])
    with pytest.raises(ZooError, match=r"short\.npz cannot be read"):
        FeatureStatistics.load(truncated)


@pytest.mark.parametrize("pictures", [200, 20])  # of full rank, and fewer pictures than dimensions
def test_frechet_distance_is_the_textbook_formula(pictures):
    rng = np.random.default_rng(1)
    sides = [rng.normal(size=(n, 40)) @ rng.normal(size=(40, 40)) + shift for n, shift in ((pictures, 0), (300, 0.5))]
    statistics = []
    for side in sides:
        statistics.append(FeatureStatistics("test"))
        statistics[-1].update(torch.from_numpy(side))
    (mu_a, a), (mu_b, b) = ((side.mean(axis=0), np.cov(side, rowvar=False)) for side in sides)
    eigenvalues = np.linalg.eigvals(a @ b).astype(complex)
    expected = ((mu_a - mu_b) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * np.sqrt(eigenvalues).real.sum()
    assert frechet_distance(*statistics) == pytest.approx(expected, rel=1e-7)
    assert frechet_distance(*statistics[::-1]) == pytest.approx(expected, rel=1e-7)


def test_statistics_that_do_not_match_are_refused():
    two, other = FeatureStatistics("inception-2015-12-05"), FeatureStatistics("random features")
    for statistics in (two, other):
        statistics.update(torch.rand(2, 4))
    with pytest.raises(ZooError, match=r"inception-2015-12-05 .* random features"):
        frechet_distance(two, other)
    one = FeatureStatistics("random features")
    one.update(torch.rand(1, 4))
    with pytest.raises(ZooError, match="at least two pictures"):
        frechet_distance(one, other)


@pytest.mark.slow
def test_fid_equals_pytorch_fid_on_files(real_weights, samples_dir, tmp_path, monkeypatch):
    """64 real faces against 64 other faces, blurred; pytorch-fid reads PNGs and builds its own network."""
    from pytorch_fid import fid_score, inception

    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    head = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    torch.save(weights.load("inception-fid") | head, cache / weights.SOURCES["inception-fid"].original)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    reference = inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[64]])

    data = Folder(root=samples_dir / "celebamask", split="train", size=(96, 96), classes=19)
    real = torch.stack([to_pixels(data[i]["image"]) for i in range(64)])
    fake = written(F.avg_pool2d(torch.stack([data[i]["image"] for i in range(64, 128)]), 5, 1, 2))
    ours, theirs = [], []
    network = load_inception(dims=64)
    for side, pictures in (("real", real), ("fake", fake)):
        (tmp_path / side).mkdir()
        for i, picture in enumerate(pictures):
            Image.fromarray(picture.permute(1, 2, 0).numpy()).save(tmp_path / side / f"{i:03}.png")
        files = sorted((tmp_path / side).iterdir())
        theirs += fid_score.calculate_activation_statistics(files, reference, 16, 64, num_workers=0)
        ours.append(FeatureStatistics(network.features))
        for chunk in pictures.split(10):
            ours[-1].update(network(chunk.float() / 255))
    try:
        expected = fid_score.calculate_frechet_distance(*theirs)
    except TypeError:  # newer versions of scipy have no sqrtm(disp=)
        from scipy.linalg import sqrtm

        mu_a, a, mu_b, b = theirs
        expected = ((mu_a - mu_b) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert network.features == "inception-2015-12-05"
    assert frechet_distance(*ours) == pytest.approx(expected, rel=1e-3)
    shutil.rmtree(tmp_path / "hub")


def test_sample_metrics_of_a_known_method(faces, package):
    """The numbers of the whole pass, against the package over explicit pairs."""
    method = PaintByNumbers()
    results = evaluate(method, faces, metrics=SAMPLED, samples=5, seed=3, batch=2, limit=2)
    assert max(len(chunk) for chunk in method.generator.painted) <= 2
    painted = written(torch.cat(method.generator.painted)).float() / 127.5 - 1
    assert len(painted) == 10

    diversity, top1 = [], []
    for index, fake in enumerate(painted.split(5)):
        real = faces[index]["image"][None]
        with torch.no_grad():
            diversity.append(np.mean([float(package(a[None], b[None])) for a, b in itertools.combinations(fake, 2)]))
            best = (fake - real).abs().mean(dim=(1, 2, 3)).argmin()
            top1.append(float(package(fake[best][None], real)))
    assert results["diversity_lpips_alex"].value == pytest.approx(np.mean(diversity), abs=1e-5)
    assert results["top1_lpips_alex_l1"].value == pytest.approx(np.mean(top1), abs=1e-5)
    assert results["diversity_lpips_alex"].protocol == {
        "dataset": "folder",
        "split": "test",
        "classes": 19,
        "resolution": "64x64",
        "images": 2,
        "codes": "random",
        "samples": 5,
        "network": "alexnet (ImageNet)",
    }


def test_numbers_do_not_depend_on_batching_and_depend_on_the_seed(faces, real_weights):
    method = PaintByNumbers().train()
    runs = [
        evaluate(method, faces, metrics=SAMPLED, samples=3, seed=seed, batch=batch, limit=2)
        for seed, batch in ((0, 1), (0, 8), (1, 8))
    ]
    assert method.training
    for name in SAMPLED:
        a, b, c = (run[name].value for run in runs)
        assert a == pytest.approx(b, abs=1e-6) and a != pytest.approx(c, abs=1e-4)


def test_reconstruction_metrics_of_perfect_and_of_poor_reconstructions(faces, real_weights):
    class Copier(Generator):
        code_specs: ClassVar = {"picture": CodeSpec((3, 64, 64), ("channel", "row", "column"))}

        def forward(self, label, codes):
            return codes["picture"] + 1 / 255  # half a byte value, so that cutting off restores the bytes

    class Whole(Encoder):
        def forward(self, image, label):
            mu = Codes({"picture": image}, Copier.code_specs)
            return Posterior(mu, mu.map(torch.zeros_like))

    perfect = PaintByNumbers()
    perfect.generator, perfect.encoder = Copier(), Whole()
    good = evaluate(perfect, faces, metrics=RECONSTRUCTED, limit=3, batch=2)
    poor = evaluate(PaintByNumbers(), faces, metrics=RECONSTRUCTED, limit=3, batch=2)
    assert good["lpips_alex_reconstruction"].value == 0
    assert good["fid_val_inception2015"].value == pytest.approx(0, abs=1e-6)
    assert poor["lpips_alex_reconstruction"].value > 0.2 and poor["fid_val_inception2015"].value > 100
    protocol = good["fid_val_inception2015"].protocol
    assert protocol["codes"] == "posterior mean of the ground truth" and protocol["samples"] == 1
    assert protocol["network"] == "inception-2015-12-05"


def test_method_without_codes_is_judged_by_its_one_picture(faces, real_weights):
    class Grey(Generator):
        code_specs: ClassVar = {}

        def forward(self, label, codes):
            return torch.zeros(codes.batch_size, 3, *label.shape[1:])

    method = PaintByNumbers()
    method.generator, method.encoder = Grey(), None
    metrics = ["lpips_alex_reconstruction", "diversity_lpips_alex"]
    results = evaluate(method, faces, metrics=metrics, samples=2, limit=2)
    assert results["lpips_alex_reconstruction"].value > 0.2
    assert results["diversity_lpips_alex"].value == pytest.approx(0, abs=1e-9)


def test_what_cannot_be_computed_is_said_in_a_sentence(faces, real_weights):
    method = PaintByNumbers()
    with pytest.raises(ZooError, match=r'no metric "fid_val".*fid_val_inception2015'):
        evaluate(method, faces, metrics=["fid_val"])
    with pytest.raises(ZooError, match="at least 2 samples per mask, but got 1"):
        evaluate(method, faces, metrics=SAMPLED, samples=1)
    method.encoder = None
    with pytest.raises(ZooError, match="has no encoder"):
        evaluate(method, faces, metrics=["lpips_alex_reconstruction"], limit=1)


def test_without_weights_random_features_only_where_allowed(faces, no_weights):
    with pytest.raises(ZooError, match="AlexNet trained on ImageNet are missing"):
        evaluate(PaintByNumbers(), faces, metrics=SAMPLED, samples=2, limit=1)
    state = torch.random.get_rng_state()
    results = [
        evaluate(PaintByNumbers(), faces, metrics=SAMPLED, samples=2, limit=1, allow_random=True) for _ in range(2)
    ]
    assert torch.equal(state, torch.random.get_rng_state())
    assert results[0] == results[1]
    assert all(result.protocol["network"] == "random features" for result in results[0].values())
    assert results[0]["diversity_lpips_alex"].value > 0


def test_random_inception_is_flagged_and_the_same_each_time(no_weights):
    with pytest.raises(ZooError, match=r"Inception network of the FID .* are missing"):
        load_inception()
    picture = torch.rand(1, 3, 32, 32)
    one, two = (load_inception(dims=192, allow_random=True) for _ in range(2))
    assert one.features == "random features"
    feature = one(picture)
    assert feature.shape == (1, 192) and 0 < feature.std() < 100
    assert torch.equal(feature, two(picture))
