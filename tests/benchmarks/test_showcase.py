"""Pictures for the figures: they are those that the metrics saw, of every kind of source, and survive their file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import zoo
from zoo import factory
from zoo.config import resolve
from zoo.data import PairedDataset, collate
from zoo.data.standin import make
from zoo.errors import ZooError
from zoo.metrics import MethodSource
from zoo.registries import DATASETS
from zoo_bench.interventions import REDRAWN
from zoo_bench.oracle import OraclePictures
from zoo_bench.showcase import EDITED, FIRST, LONGEST, SAMPLES, WORST, Showcase

SIZE = (32, 64)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PairedDataset:
    root = tmp_path_factory.mktemp("data") / "gta5"
    make("gta5", root, train=1, test=6, seed=0, size=SIZE)
    return DATASETS.get("gta5")(root=root, split="test", size=SIZE)


def numbers(samples: int = 40) -> pd.DataFrame:
    """Picture 3 is the worst reconstruction, then 5, 0, 1, 4, 2."""
    order = [0.5, 0.4, 0.1, 0.9, 0.3, 0.8]
    rows = [(i, f"p{i}", "lpips_alex_reconstruction", value) for i, value in enumerate(order)]
    rows += [(i, f"p{i}", f"diversity_lpips_alex_{samples}", 1 - value) for i, value in enumerate(order)]
    return pd.DataFrame(rows, columns=["index", "name", "metric", "value"])


def source(method: str, **settings: object) -> MethodSource:
    """A method whose weights are large enough for its codes to be seen, as they are not before any training."""
    built = zoo.build(method, data="gta5", size=SIZE, profile="smoke", seed=0, **settings)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.dim() > 1:
                spread = 2 / parameter[0].numel() ** 0.5
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return MethodSource(built, seed=3)


@pytest.fixture(scope="module")
def clvae(dataset: PairedDataset) -> tuple[MethodSource, Showcase]:
    judged = source("clvae")
    return judged, Showcase.collect(judged, dataset, numbers())


def test_pictures_are_the_first_of_the_test_set(clvae: tuple[MethodSource, Showcase], dataset: PairedDataset):
    first = clvae[1].first
    assert first.index.tolist() == list(range(FIRST))
    assert first.name.tolist() == [pair.name for pair in dataset.pairs[:FIRST]]
    assert np.array_equal(first.label[2], dataset[2]["label"].numpy())
    assert np.array_equal(first.image[2], ((dataset[2]["image"] + 1) * 127.5).round().byte().numpy())


def test_samples_are_the_first_of_those_that_the_metrics_saw(
    clvae: tuple[MethodSource, Showcase], dataset: PairedDataset
):
    judged, showcase = clvae
    seen = torch.cat(list(judged.samples(dataset[1]["label"][None], 1, 40)))
    fewer = torch.cat(list(judged.samples(dataset[1]["label"][None], 1, SAMPLES)))
    assert np.array_equal(showcase.samples[1], seen[:SAMPLES].numpy())
    assert not np.array_equal(fewer.numpy(), seen[:SAMPLES].numpy()), "or the test could not fail"


def test_worst_reconstructions_come_worst_first(clvae: tuple[MethodSource, Showcase], dataset: PairedDataset):
    judged, showcase = clvae
    worst = showcase.worst
    assert worst.index.tolist() == [3, 5, 0, 1][:WORST]
    assert worst.value.tolist() == [0.9, 0.8, 0.5, 0.4]
    pictures = collate([dataset[3]])
    assert np.array_equal(worst.reconstruction[0], judged.reconstruct(pictures, 3)[0].numpy())


def test_an_intervention_changes_one_part_of_the_codes(clvae: tuple[MethodSource, Showcase], dataset: PairedDataset):
    showcase = clvae[1]
    by_layer = [one for one in showcase.interventions if one.axis == "layer"]
    assert [one.index for one in by_layer] == list(range(EDITED))
    one = by_layer[1]
    assert one.parts.tolist() == [*(f"layer {n}" for n in range(5)), "global code", "all codes"]
    assert one.redrawn.shape == (7, REDRAWN, 3, *SIZE)
    assert np.array_equal(one.base, showcase.first.reconstruction[1]), "the picture with its own codes"
    changed = np.abs(one.redrawn.astype(int) - one.base).mean(axis=(1, 2, 3, 4))
    assert (changed > 0).all()
    assert changed[-1] > changed[:-1].max(), "everything redrawn changes most"


def test_class_interventions_redraw_the_largest_classes(clvae: tuple[MethodSource, Showcase], dataset: PairedDataset):
    one = next(one for one in clvae[1].interventions if one.axis == "class")
    label = dataset[0]["label"]
    areas = {dataset.class_names[k]: int((label == k).sum()) for k in label.unique().tolist()}
    assert one.parts.tolist() == sorted(areas, key=areas.__getitem__, reverse=True)[:4]


@pytest.mark.parametrize(
    ("method", "settings", "axes"),
    [
        ("gaugan_vae", {}, set()),
        ("groupdnet", {}, {"class"}),
        ("clvae", {"layer_wise": False}, {"class"}),
        ("clvae", {"class_wise": False}, {"layer"}),
    ],
)
def test_only_axes_that_a_method_has_are_intervened_on(
    dataset: PairedDataset, method: str, settings: dict[str, object], axes: set[str]
):
    showcase = Showcase.collect(source(method, **settings), dataset, numbers(2))
    assert {one.axis for one in showcase.interventions} == axes


def test_a_method_without_codes_has_no_samples(dataset: PairedDataset):
    showcase = Showcase.collect(source("gaugan"), dataset, numbers())
    assert len(showcase.samples) == 0
    assert showcase.first.reconstruction.shape == (FIRST, 3, *SIZE)


def test_a_method_without_encoder_has_no_reconstructions(dataset: PairedDataset, tmp_path: Path):
    found = numbers(3)
    showcase = Showcase.collect(source("cimle"), dataset, found[found["metric"] != "lpips_alex_reconstruction"])
    showcase.save(tmp_path / "showcase.npz")
    again = Showcase.load(tmp_path / "showcase.npz")
    assert len(again.first.reconstruction) == len(again.worst.index) == 0
    assert again.samples.shape == (FIRST, 3, 3, *SIZE), "no more than the metrics saw"


def test_the_data_itself_is_a_source(tmp_path: Path):
    make("deepfashion", tmp_path / "d", train=1, test=2, seed=5, size=(32, 32))
    sets = ["data.size=[32, 32]", "data.standin={train: 1, test: 2, seed: 5}"]
    config = resolve("clvae", "deepfashion", "smoke", sets, data_root=tmp_path / "d")
    showcase = Showcase.collect(OraclePictures(config, seed=0), factory.dataset(config, "test"), numbers(4).head(2))
    assert showcase.samples.shape == (2, SAMPLES, 3, 32, 32)
    assert showcase.interventions == ()


def test_it_comes_back_from_its_file(clvae: tuple[MethodSource, Showcase], tmp_path: Path):
    saved, path = clvae[1], tmp_path / "cell" / "showcase.npz"
    saved.save(path)
    loaded = Showcase.load(path)
    assert loaded.classes == saved.classes == 20
    assert np.array_equal(loaded.samples, saved.samples)
    assert np.array_equal(loaded.worst.value, saved.worst.value)
    assert loaded.first.name.tolist() == saved.first.name.tolist()
    assert [one.axis for one in loaded.interventions] == [one.axis for one in saved.interventions]
    assert np.array_equal(loaded.interventions[1].redrawn, saved.interventions[1].redrawn)
    assert [p.name for p in path.parent.iterdir()] == ["showcase.npz"]


def test_a_damaged_file_is_named(clvae: tuple[MethodSource, Showcase], tmp_path: Path):
    path = tmp_path / "showcase.npz"
    clvae[1].save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ZooError, match=r"showcase\.npz cannot be read"):
        Showcase.load(path)


def test_large_pictures_are_kept_small(tmp_path: Path):
    size = (2 * LONGEST // 4, 2 * LONGEST)
    make("gta5", tmp_path / "g", train=1, test=1, seed=0, size=size)
    dataset = DATASETS.get("gta5")(root=tmp_path / "g", split="test", size=size)
    built = zoo.build("gaugan", data="gta5", size=size, profile="smoke", seed=0)
    showcase = Showcase.collect(MethodSource(built), dataset, numbers().head(1))
    assert showcase.first.image.shape == showcase.first.reconstruction.shape == (1, 3, LONGEST // 4, LONGEST)
    assert set(np.unique(showcase.first.label)) <= set(dataset[0]["label"].unique().tolist()), "no mixed classes"
    means = [picture.astype(float).mean() for picture in (showcase.first.image, _pixels(dataset))]
    assert means[0] == pytest.approx(means[1], abs=1)


def _pixels(dataset: PairedDataset) -> np.ndarray:
    return ((dataset[0]["image"] + 1) * 127.5).round().numpy()
