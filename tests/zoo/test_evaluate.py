"""The pass over a test set: its numbers against the packages over explicit pictures, its protocol, its shares."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from tests.zoo.evaluated import METRICS, Copier, PaintByNumbers, Whole
from zoo.data.folder import Folder
from zoo.errors import ZooError
from zoo.interfaces import Generator
from zoo.metrics import (
    FeatureStatistics,
    MethodSource,
    applicable,
    evaluate,
    load_inception,
    parse_metric,
    to_uint8_truncated,
)
from zoo.visual import to_uint8

SAMPLED = ["diversity_lpips_alex_5", "top1_lpips_alex_5_l1"]
RECONSTRUCTED = ["fid_val_inception2015", "lpips_alex_reconstruction"]
REPOSITORY = Path(__file__).resolve().parents[2]


def test_names_fix_the_number_of_samples():
    assert [parse_metric(n).samples for n in ("diversity_lpips_alex_40", "top1_lpips_alex_8_l1", RECONSTRUCTED[0])] == [
        40,
        8,
        1,
    ]
    with pytest.raises(ZooError, match=r'no metric "fid_val".*fid_val_inception2015'):
        parse_metric("fid_val")
    with pytest.raises(ZooError, match="diversity_lpips_alex_40,"):
        parse_metric("diversity_lpips_alex")
    with pytest.raises(ZooError, match="at least 2 samples"):
        parse_metric("diversity_lpips_alex_1")


def test_sample_metrics_of_a_known_method(faces, package):
    """The numbers of the whole pass, against the package over explicit pairs."""
    method = PaintByNumbers()
    found = evaluate(MethodSource(method, seed=3, chunk=2), faces, metrics=SAMPLED, limit=2)
    assert max(len(chunk) for chunk in method.generator.painted) <= 2
    painted = to_uint8_truncated(torch.cat(method.generator.painted)).float() / 127.5 - 1
    assert len(painted) == 10

    diversity, top1 = [], []
    for index, fake in enumerate(painted.split(5)):
        real = faces[index]["image"][None]
        with torch.no_grad():
            diversity.append(np.mean([float(package(a[None], b[None])) for a, b in itertools.combinations(fake, 2)]))
            best = (fake - real).abs().mean(dim=(1, 2, 3)).argmin()
            top1.append(float(package(fake[best][None], real)))
    assert found.results[SAMPLED[0]].value == pytest.approx(np.mean(diversity), abs=1e-5)
    assert found.results[SAMPLED[1]].value == pytest.approx(np.mean(top1), abs=1e-5)
    per_picture = found.pictures.pivot(index="index", columns="metric", values="value")
    np.testing.assert_allclose(per_picture[SAMPLED[0]], diversity, atol=1e-5)
    np.testing.assert_allclose(per_picture[SAMPLED[1]], top1, atol=1e-5)
    assert found.pictures["name"].unique().tolist() == [faces[i]["name"] for i in range(2)]
    assert found.results[SAMPLED[0]].protocol == {
        "dataset": "folder",
        "split": "test",
        "classes": 19,
        "resolution": "64x64",
        "images": 2,
        "codes": "random",
        "samples": 5,
        "network": "alexnet (ImageNet)",
    }


def test_numbers_do_not_depend_on_chunks_and_depend_on_the_seed(faces, real_weights):
    method = PaintByNumbers().train()
    runs = [
        evaluate(MethodSource(method, seed=seed, chunk=chunk), faces, metrics=SAMPLED, limit=2).results
        for seed, chunk in ((0, 1), (0, 40), (1, 40))
    ]
    assert method.training
    for name in SAMPLED:
        a, b, c = (run[name].value for run in runs)
        assert a == pytest.approx(b, abs=1e-6) and a != pytest.approx(c, abs=1e-4)


def test_reconstruction_metrics_of_perfect_and_of_poor_reconstructions(faces, real_weights):
    perfect = PaintByNumbers()
    perfect.generator, perfect.encoder = Copier(), Whole()
    good = evaluate(MethodSource(perfect), faces, metrics=RECONSTRUCTED, limit=3)
    poor = evaluate(MethodSource(PaintByNumbers()), faces, metrics=RECONSTRUCTED, limit=3)
    assert good.results["lpips_alex_reconstruction"].value == 0
    assert good.results["fid_val_inception2015"].value == pytest.approx(0, abs=1e-6)
    assert poor.results["lpips_alex_reconstruction"].value > 0.2
    assert poor.results["fid_val_inception2015"].value > 100
    protocol = good.results["fid_val_inception2015"].protocol
    assert protocol["codes"] == "posterior mean of the ground truth" and protocol["samples"] == 1
    assert protocol["network"] == "inception-2015-12-05"
    warning = "FID from 3 pictures, fewer than its 2048 dimensions"
    assert good.results["fid_val_inception2015"].warnings == (warning,)
    assert good.pictures["metric"].unique().tolist() == ["lpips_alex_reconstruction"]


def test_method_without_codes_is_judged_by_its_one_picture(faces, real_weights):
    class Grey(Generator):
        code_specs: ClassVar = {}

        def forward(self, label, codes):
            return torch.zeros(codes.batch_size, 3, *label.shape[1:])

    method = PaintByNumbers()
    method.generator, method.encoder = Grey(), None
    assert applicable(MethodSource(method)) == RECONSTRUCTED
    results = evaluate(MethodSource(method), faces, metrics=RECONSTRUCTED[1:], limit=2).results
    assert results["lpips_alex_reconstruction"].value > 0.2
    with pytest.raises(ZooError, match="paint_by_numbers has no codes to draw"):
        evaluate(MethodSource(method), faces, metrics=SAMPLED, limit=2)


def test_what_cannot_be_computed_is_said_in_a_sentence(faces, real_weights):
    method = PaintByNumbers()
    with pytest.raises(ZooError, match="different numbers of samples"):
        evaluate(MethodSource(method), faces, metrics=[SAMPLED[0], "top1_lpips_alex_4_l1"])
    with pytest.raises(ZooError, match="at least 2 pictures, but got 1"):
        evaluate(MethodSource(method), faces, metrics=RECONSTRUCTED, limit=1)
    method.encoder = None
    assert applicable(MethodSource(method), samples=5) == SAMPLED
    with pytest.raises(ZooError, match="has no encoder"):
        evaluate(MethodSource(method), faces, metrics=["lpips_alex_reconstruction"], limit=1)


def test_without_weights_random_features_only_where_allowed(faces, no_weights):
    source = MethodSource(PaintByNumbers())
    with pytest.raises(ZooError, match=r"AlexNet.*missing"):
        evaluate(source, faces, metrics=SAMPLED, limit=1)
    state = torch.random.get_rng_state()
    results = [evaluate(source, faces, metrics=SAMPLED, limit=1, allow_random=True).results for _ in range(2)]
    assert torch.equal(state, torch.random.get_rng_state())
    assert results[0] == results[1]
    assert all(result.protocol["network"] == "random features" for result in results[0].values())
    assert results[0][SAMPLED[0]].value > 0


def test_pictures_are_kept_only_where_asked(faces, real_weights, tmp_path):
    source = MethodSource(PaintByNumbers())
    metrics = ["lpips_alex_reconstruction", "diversity_lpips_alex_2"]
    evaluate(source, faces, metrics=metrics, limit=2)
    assert not list(tmp_path.iterdir())
    evaluate(source, faces, metrics=metrics, limit=2, keep=tmp_path)
    name = faces[1]["name"]
    for kind, count in (("real", 2), ("reconstruction", 2), ("samples", 4)):
        assert len(list((tmp_path / kind).glob("*.png"))) == count
    kept = Folder(root=_as_folder(tmp_path, faces), split="test", size=(64, 64), classes=19)
    assert torch.equal(to_uint8(kept[1]["image"]), to_uint8(faces[1]["image"])), "lossless"
    assert (tmp_path / "samples" / f"{name}_01.png").is_file()


def test_pictures_are_made_and_judged_in_full_single_precision(faces, real_weights):
    class Watched(MethodSource):
        seen: ClassVar[set[bool]] = set()

        def samples(self, label, index, samples):
            self.seen.add(torch.backends.cudnn.allow_tf32)
            return super().samples(label, index, samples)

    before = torch.backends.cudnn.allow_tf32
    evaluate(Watched(PaintByNumbers()), faces, metrics=SAMPLED, limit=2)
    assert Watched.seen == {False} and torch.backends.cudnn.allow_tf32 is before is True


def _as_folder(kept: Path, faces: Folder) -> Path:
    """The kept ground truth as a dataset of its own."""
    (kept / "as_data" / "test").mkdir(parents=True)
    shutil.copytree(kept / "real", kept / "as_data" / "test" / "images")
    (kept / "as_data" / "test" / "labels").mkdir()
    for pair in faces.pairs[:2]:
        shutil.copy(pair.label, kept / "as_data" / "test" / "labels")
    return kept / "as_data"


def test_statistics_of_the_ground_truth_are_computed_once(faces, real_weights, tmp_path, caplog):
    def fid(source: MethodSource) -> float:
        found = evaluate(source, faces, metrics=RECONSTRUCTED[:1], limit=3, statistics=tmp_path)
        return found.results["fid_val_inception2015"].value

    perfect = PaintByNumbers()
    perfect.generator, perfect.encoder = Copier(), Whole()
    assert fid(MethodSource(perfect)) == pytest.approx(0, abs=1e-6)
    (file,) = tmp_path.iterdir()
    features = FeatureStatistics("inception-2015-12-05")
    features.update(load_inception()(torch.stack([to_uint8(faces[i]["image"]) for i in range(3)]).float() / 255))
    np.testing.assert_allclose(FeatureStatistics.load(file).mean, features.mean, rtol=1e-5, atol=1e-7)

    # what is in the file is what counts: shifted statistics shift the distance by the square of the shift
    shifted = FeatureStatistics.load(file)
    shifted.mean = shifted.mean + 0.5
    shifted.save(file)
    assert fid(MethodSource(perfect)) == pytest.approx(2048 * 0.25, rel=1e-6)

    file.write_bytes(file.read_bytes()[:100])
    assert fid(MethodSource(perfect)) == pytest.approx(0, abs=1e-6)
    assert "cannot be read" in caplog.text
    evaluate(MethodSource(perfect), faces, metrics=RECONSTRUCTED[:1], limit=2, statistics=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2, "other pictures have statistics of their own"


@pytest.mark.slow
def test_two_ranks_give_what_one_process_gives(faces, real_weights, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--standalone"]
    command += ["-m", "tests.zoo.evaluated", str(faces.root), str(tmp_path)]
    env = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    one = evaluate(MethodSource(PaintByNumbers()), faces, metrics=METRICS, limit=21)
    for rank in (0, 1):
        two = json.loads((tmp_path / f"rank{rank}.json").read_text())
        for name, result in one.results.items():
            assert two["results"][name] == pytest.approx(result.value, rel=1e-6), name
        assert two["index"] == one.pictures["index"].tolist()
        np.testing.assert_allclose(two["value"], one.pictures["value"], rtol=1e-5, atol=1e-7)
    assert len(list((tmp_path / "statistics").iterdir())) == 1


@pytest.mark.slow
def test_fid_of_a_pass_is_that_of_the_pytorch_fid_command(samples_dir, real_weights, tmp_path):
    """64 real faces and their blurs at all 2048 dimensions, read from the PNG files that the pass kept."""
    from tests.zoo.evaluated import Blur
    from zoo import weights

    data = Folder(root=samples_dir / "celebamask", split="train", size=(64, 64), classes=19)
    method = PaintByNumbers()
    method.generator, method.encoder = Copier(), Blur()
    found = evaluate(MethodSource(method), data, metrics=RECONSTRUCTED[:1], limit=64, keep=tmp_path)
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    head = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    torch.save(weights.load("inception-fid") | head, cache / weights.SOURCES["inception-fid"].original)
    command = [sys.executable, "-m", "pytorch_fid", "--device", "cpu", "--num-workers", "0"]
    command += [str(tmp_path / "real"), str(tmp_path / "reconstruction")]
    env = os.environ | {"TORCH_HOME": str(tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    if "disp" in done.stderr:
        pytest.skip("scipy 1.18 removed an argument that this pytorch-fid gives")
    assert done.returncode == 0, done.stderr
    expected = float(done.stdout.split("FID:")[1])
    assert expected > 1
    assert found.results["fid_val_inception2015"].value == pytest.approx(expected, rel=1e-3)
