"""Metrics against the packages that define them and against their formulas, on real faces."""

import itertools
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from zoo import weights
from zoo.data.folder import Folder
from zoo.errors import ZooError
from zoo.metrics import (
    DiversityAccumulator,
    FeatureStatistics,
    frechet_distance,
    load_inception,
    lpips_distance,
    to_uint8_truncated,
)
from zoo.visual import to_uint8


@pytest.fixture(scope="module")
def images(faces) -> torch.Tensor:
    return torch.stack([faces[i]["image"] for i in range(7)])


def test_ground_truth_reaches_metrics_as_it_was_in_the_file():
    values = torch.arange(256)
    assert torch.equal(to_uint8((values.float() / 255 - 0.5) / 0.5), values.to(torch.uint8))


def test_synthesised_pictures_are_cut_off_to_bytes():
    assert to_uint8_truncated(torch.tensor([-2.0, -1.0, 0.0, 0.999, 1.0, 3.0])).tolist() == [0, 0, 127, 254, 255, 255]
    with pytest.raises(ZooError, match="not finite"):
        to_uint8_truncated(torch.tensor([0.0, float("nan")]))


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
    real = torch.stack([to_uint8(data[i]["image"]) for i in range(64)])
    fake = to_uint8_truncated(F.avg_pool2d(torch.stack([data[i]["image"] for i in range(64, 128)]), 5, 1, 2))
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


def test_random_inception_is_flagged_and_the_same_each_time(no_weights):
    with pytest.raises(ZooError, match=r"Inception.*missing"):
        load_inception()
    picture = torch.rand(1, 3, 32, 32)
    one, two = (load_inception(dims=192, allow_random=True) for _ in range(2))
    assert one.features == "random features"
    feature = one(picture)
    assert feature.shape == (1, 192) and 0 < feature.std() < 100
    assert torch.equal(feature, two(picture))
