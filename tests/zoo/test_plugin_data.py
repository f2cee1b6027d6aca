"""A dataset, its stand-in and a metric of a plugin, from the list to the evaluation, without a change to the zoo."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.command_line import done, working_in, zoo

PLUGIN = """
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data import PairedDataset, StandIn
from zoo.data.prepare import PrepareReport
from zoo.metrics import SampleMetric
from zoo.registries import DATASETS, METRICS, STANDINS


@DATASETS.register("toy_tiles")
class Tiles(PairedDataset):
    title = "Tiles"
    source = "a shop"
    classes = 3
    class_names = ("floor", "wall", "door")
    default_size = (64, 64)
    image_suffixes = (".png",)
    standin = "toy_squares"

    @classmethod
    def folders(cls, root, split):
        return root / split / "pictures", root / split / "ids"

    @classmethod
    def prepare(cls, source, out, progress=None, *, grey: int = 0):
        for split in ("train", "test"):
            for folder, colour in zip(cls.folders(out, split), ((grey, grey, grey), 1), strict=True):
                folder.mkdir(parents=True)
                Image.new("RGB" if isinstance(colour, tuple) else "L", (64, 64), colour).save(folder / "a.png")
        return PrepareReport(written=2)


class Squares:
    def __init__(self, label):
        self.label = label


@STANDINS.register("toy_squares")
class ToySquares(StandIn):
    def layout(self, seed, size):
        ids = np.random.default_rng(seed).integers(0, 3, (2, 2), np.uint8)
        return Squares(np.kron(ids, np.ones((size[0] // 2, size[1] // 2), np.uint8)))

    def paint(self, layout, style):
        colours = np.random.default_rng(style).integers(0, 256, (3, 3), np.uint8)
        return colours[layout.label]


@METRICS.register("toy_brightness_{samples}")
class Brightness(SampleMetric):
    title = "Brightness"
    better = "higher"
    digits = 1

    def __init__(self, networks):
        super().__init__(networks)
        self.seen = []

    def update(self, real, fake):
        self.seen += fake.float().mean(dim=(1, 2, 3)).tolist()

    def of_mask(self, real):
        found, self.seen = sum(self.seen) / len(self.seen), []
        return found
"""
USE = ("--plugin", "toy_tiles_plugin.py")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    from zoo.registries import DATASETS, METRICS, STANDINS

    with working_in(tmp_path_factory.mktemp("plugin_data")) as folder:
        (folder / "toy_tiles_plugin.py").write_text(PLUGIN)
        yield folder
    for registry, name in ((DATASETS, "toy_tiles"), (STANDINS, "toy_squares"), (METRICS, "toy_brightness_{samples}")):
        registry.remove(name)


def test_they_are_listed(here):
    listed = json.loads(done("list", "--json", *USE))
    (dataset,) = (row for row in listed["datasets"] if row["dataset"] == "toy_tiles")
    assert (dataset["title"], dataset["classes"], dataset["stand-in"]) == ("Tiles", 3, "toy_squares")
    (metric,) = (row for row in listed["metrics"] if row["metric"] == "toy_brightness_{samples}")
    assert (metric["title"], metric["better"]) == ("Brightness", "higher") and "samples" in metric["needs"]


def test_the_dataset_can_be_drawn_checked_and_prepared(here):
    done("data", "make", "toy_tiles", "--out", "drawn", "--train", 2, "--test", 1, *USE)
    assert Image.open("drawn/train/pictures/00000001.png").size == (64, 64)
    assert "No problems found." in done("data", "check", "toy_tiles", "--data-root", "drawn", *USE)
    (here / "download").mkdir()
    prepare = ("data", "prepare", "toy_tiles", "--source", "download", "--out", "data/prepared", *USE)
    assert zoo(*prepare, "--set", "grey=dark").code == 2
    assert "grey" in zoo(*prepare, "--set", "gray=9").err
    assert "2 pictures written" in done(*prepare, "--set", "grey=9")
    assert Image.open("data/prepared/train/pictures/a.png").getpixel((0, 0)) == (9, 9, 9)


def test_the_metric_evaluates_what_was_trained_on_the_stand_in(here):
    small = ("--set", "train.iterations=1", "--set", "data.standin={train: 4, test: 2, seed: 0}")
    done("train", "gaugan_vae", "--data", "toy_tiles", "--profile", "smoke", *small, *USE)
    model = "runs/gaugan_vae-toy_tiles/latest.pth"
    command = ("eval", model, "--data", "toy_tiles", "--metrics", "toy_brightness_3", *USE)
    (line,) = done(*command, "--out", "kept", "--pictures", "--json").splitlines()
    row = json.loads(line)
    pictures = [np.asarray(Image.open(path), float) for path in sorted((here / "kept/samples").glob("*.png"))]
    assert len(pictures) == 6 and row["value"] == pytest.approx(np.mean(pictures), rel=1e-5)
    assert (row["better"], row["protocol"]["samples"], row["protocol"]["network"]) == ("higher", 3, "none")
    assert "stand-in" in row["protocol"]["dataset"]
    by_default = [json.loads(line)["metric"] for line in done(*command[:4], "--json", *USE).splitlines()]
    assert by_default and "toy_brightness_40" not in by_default, "it has not opted in"
