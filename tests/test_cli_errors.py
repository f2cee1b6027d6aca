"""Every mistake is answered in one sentence, with exit code 2 and nothing left behind."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.command_line import CLASSES, files_below, working_in, write_pictures, zoo
from zoo import build, checkpoints

PICTURES = ("--data", "folder", "--data-root", "pictures")
TRAIN = ("train", "gaugan", *PICTURES, "--profile", "smoke", "--set", f"data.classes={CLASSES}", "--work-dir", "run")
IMPORT = ("--generator", "model.pth", "--data", "gta5", "--out", "new.pth", "--set", "method.width=4")


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def bad_picture():
    cut(Path("pictures/train/images/train1.png"))


def label_of_200():
    Image.fromarray(np.full((64, 64), 200, np.uint8)).save("pictures/train/labels/train2.png")


def colour_label():
    Image.new("RGB", (64, 64)).save("pictures/train/labels/train2.png")


def missing_partner():
    Path("pictures/train/labels/train3.png").unlink()


def checkpoint(path="model.pth"):
    """What a run of four classes leaves."""
    method = build("gaugan", data="folder", classes=CLASSES, size=(64, 64), profile="smoke", seed=0)
    checkpoints.save(path, {"config": method.config.to_dict(), "method": method.state_dict(), "ema": None})


def truncated_checkpoint():
    checkpoint()
    cut(Path("model.pth"))


def foreign_checkpoint():
    torch.save({"state_dict": {"weight": torch.zeros(2)}}, "model.pth")


def plugin_gone():
    """What a method of a plugin has left that is not installed any more."""
    content = build("gaugan", data="folder", classes=CLASSES, size=(64, 64), profile="smoke", seed=0).config.to_dict()
    config = content | {"method": {"name": "gaugon"}}
    checkpoints.save("model.pth", {"config": config, "method": {}, "ema": None})


def run_in_use():
    checkpoint("run/latest.pth")


def a_file():
    Path("a-file").write_text("words")


def other_config():
    Path("mine.yaml").write_text("method: {name: gaugan, widht: 4}\n")


def nothing():
    pass


# what is wrong, how it came about, the command, and what its sentence must say
MISTAKES = [
    ("bad picture", bad_picture, TRAIN, ["pictures/train/images/train1.png"]),
    ("label of 200", label_of_200, TRAIN, ["labels/train2.png", "class id 200", "0 to 3"]),
    ("colour label", colour_label, TRAIN, ["labels/train2.png", "colour"]),
    ("missing partner", missing_partner, TRAIN, ["images/train3.png"]),
    ("mistyped key", nothing, (*TRAIN, "--set", "train.epoch=3"), ["train.epoch", 'did you mean "train.epochs"']),
    ("key without section", nothing, (*TRAIN, "--set", "iterations=3"), ['mean "train.iterations"?']),
    ("mistyped key in a file", other_config, ("train", "mine.yaml", *TRAIN[2:]), ["mine.yaml", '"method.width"']),
    ("wrong type", nothing, (*TRAIN, "--set", "train.epochs=many"), ["train.epochs", "whole number", '"many"']),
    ("wrong value", nothing, (*TRAIN, "--set", "method.width=0"), ["method.width", "at least 1", "--set"]),
    ("wrong choice", nothing, (*TRAIN, "--set", "method.gan_loss=hing"), ["method.gan_loss", 'did you mean "hinge"']),
    ("no value", nothing, (*TRAIN, "--set", "train.epochs"), ["KEY=VALUE"]),
    ("unknown method", nothing, ("train", "clvea", *TRAIN[2:]), ['"clvea"', 'did you mean "clvae"', "groupdnet"]),
    ("unknown data", nothing, ("train", "clvae", "--data", "deepfasion"), ['"deepfasion"', 'mean "deepfashion"']),
    (
        "missing data",
        nothing,
        ("train", "clvae", "--data", "gta5"),
        ["data/gta5", "zoo data make gta5 --out data/gta5"],
    ),
    ("missing root", nothing, (*TRAIN, "--data-root", "nowhere"), ["nowhere", "--data-root"]),
    ("other layout", nothing, ("train", "clvae", "--data", "ade20k", *PICTURES[2:]), ["pictures/images/training"]),
    ("no classes", nothing, ("train", "gaugan", *PICTURES), ["data.classes", "--set data.classes=VALUE"]),
    ("size", nothing, (*TRAIN, "--set", "data.size=[100, 64]"), ["[100, 64]", "multiples of 32"]),
    ("run folder in use", run_in_use, TRAIN, ["run", "--resume", "--work-dir"]),
    ("nothing to resume", nothing, (*TRAIN, "--resume"), ["run/latest.pth", "--resume"]),
    ("unknown profile", nothing, (*TRAIN, "--profile", "smok"), ['"smok"', '"smoke"']),
    ("unknown option", nothing, (*TRAIN, "--set-up"), ["--set-up", "zoo train --help"]),
    ("unknown command", nothing, ("trian",), ['"trian"', '"train"', "zoo --help"]),
    ("two methods", nothing, ("train", "clvae", *TRAIN[1:]), ["gaugan", "zoo train --help"]),
    ("missing option", nothing, ("train", "clvae"), ["--data", "zoo train --help"]),
    ("no device", nothing, (*TRAIN, "--set", "train.device=gpu"), ['"gpu"', "auto, cpu, cuda"]),
    ("device of a command", checkpoint, ("eval", "model.pth", *PICTURES, "--device", "gpu"), ['"gpu"']),
    ("no place", a_file, (*TRAIN, "--dry-run", "--data-root", "a-file"), ["a-file"]),
    ("unknown table", nothing, ("bench", "--tables", "1,9"), ['"9"', "1,2,3,4,5"]),
    ("status of nothing", nothing, ("bench", "--status"), ["bench/smoke", "--out"]),
    ("report of nothing", nothing, ("report", "nowhere"), ["nowhere"]),
    ("slurm at home", nothing, ("bench", "--slurm", "gres=gpu:1"), ["--slurm", "--executor slurm", "bench --help"]),
    ("slurm setting", nothing, ("bench", "--executor", "slurm", "--slurm", "gres"), ['"gres"', "KEY=VALUE"]),
    ("check of nothing", nothing, ("data", "check", "gta5"), ["gta5"]),
    ("make of nothing", nothing, ("data", "make", "folder", "--out", "new"), ['"folder"', "gta5"]),
    ("make into use", nothing, ("data", "make", "gta5", "--out", "pictures"), ["pictures", "empty"]),
    ("rarity of nothing", nothing, ("data", "rarity"), ["data/gta5", "comes from"]),
    ("prepare of nothing", nothing, ("data", "prepare", "gta5", "--source", "nowhere"), ["nowhere"]),
    *(
        (f"{command[0]}: {what}", cause, (command[0], "model.pth", *data, *command[1:]), words)
        for command in (("sample", "--out", "new"), ("eval",))
        for what, cause, data, words in [
            ("truncated checkpoint", truncated_checkpoint, PICTURES, ["model.pth"]),
            ("foreign checkpoint", foreign_checkpoint, PICTURES, ["model.pth", "zoo import"]),
            ("no checkpoint", nothing, PICTURES, ["model.pth"]),
            ("no plugin", plugin_gone, PICTURES, ["model.pth", '"gaugon"', "--plugin"]),
            ("other classes", checkpoint, ("--data", "gta5"), ["4 classes", "20"]),
            ("no data", checkpoint, ("--data", "folder"), ["data/folder"]),
            ("unknown data", checkpoint, ("--data", "foldr"), ['did you mean "folder"']),
        ]
    ),
    (
        "sample into a file",
        lambda: [checkpoint(), a_file()],
        ("sample", "model.pth", *PICTURES, "--out", "a-file/new"),
        ["a-file/new", "Not a directory"],
    ),
    ("unknown metric", checkpoint, ("eval", "model.pth", *PICTURES, "--metrics", "fid"), ['"fid"']),
    *(
        (f"import: {what}", cause, ("import", method, *IMPORT), words)
        for what, cause, method, words in [
            ("no file", nothing, "gaugan", ["model.pth"]),
            ("truncated", truncated_checkpoint, "gaugan", ["model.pth"]),
            ("no state dict", foreign_checkpoint, "gaugan", ["state dict"]),
            ("no encoder", nothing, "clvae", ["--encoder latest_net_E.pth"]),
            ("official weights", nothing, "cimle", ["official weights", "cimle"]),
        ]
    ),
]


@pytest.fixture
def here(tmp_path):
    with working_in(tmp_path):
        write_pictures(tmp_path / "pictures")
        yield tmp_path


@pytest.mark.parametrize(("cause", "command", "words"), [pytest.param(*case[1:], id=case[0]) for case in MISTAKES])
def test_one_sentence_and_nothing_left(here, cause, command, words):
    cause()
    before = files_below(here)
    outcome = zoo(*command)
    (line,) = outcome.err.splitlines()
    assert outcome.code == 2
    assert line.startswith("Error: ") and line.endswith((".", "?")) and "bug in zoo" not in line
    assert [word for word in words if word not in line] == []
    assert files_below(here) == before


def test_debug_adds_the_traceback_and_changes_nothing_else(here):
    wrong = (*TRAIN, "--set", "train.epoch=3")
    plain, debugged = zoo(*wrong), zoo("--debug", *wrong)
    assert (plain.code, debugged.code) == (2, 2)
    assert "Traceback" not in plain.err
    assert debugged.err.startswith("Traceback (most recent call last)") and debugged.err.endswith(plain.err)
