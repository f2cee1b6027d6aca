"""Checks answer broken data with sentences that name the file."""

import shutil

import numpy as np
import pytest
from PIL import Image

from tests.zoo.pictures import halves, write_pair
from zoo.data.check import check
from zoo.errors import ZooError

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def pairs(tmp_path):
    root = tmp_path / "data"
    for stem in "abcd":
        write_pair(root, stem, halves())
    write_pair(root, "e", halves(), split="test")
    return root


@pytest.mark.parametrize("name", ["ade20k", "deepfashion", "gta5"])
def test_real_samples_are_sound(samples_dir, name):
    report = check(name, samples_dir / name)
    assert report.ok and report.counts == {"train": 4, "test": 2}
    report.raise_problems()


@pytest.mark.parametrize(("name", "top"), [("ade20k", 150), ("deepfashion", 15), ("gta5", 19)])
def test_a_label_of_200_in_real_samples(samples_dir, tmp_path, name, top):
    root = tmp_path / name
    shutil.copytree(samples_dir / name, root, copy_function=shutil.copy)
    for path in (root, *root.rglob("*")):
        path.chmod(0o755)
    path = next(p for p in sorted(root.rglob("*.png")) if Image.open(p).mode == "L")
    ids = np.array(Image.open(path))
    ids[2, 3] = 200
    Image.fromarray(ids).save(path)
    (problem,) = check(name, root).problems
    assert str(path) in problem and " 200," in problem and f"0 to {top}:" in problem


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_pictures_cut_off(pairs, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (8, 16, 3), np.uint8)
    (pairs / "train/images/a.png").unlink()
    path = pairs / f"train/images/a{suffix}"
    Image.fromarray(noise).save(path)
    assert check("folder", pairs, classes=3).ok
    path.write_bytes(path.read_bytes()[:-60])
    (problem,) = check("folder", pairs, classes=3).problems
    assert str(path) in problem and "cannot be read" in problem


def test_every_problem_is_one_sentence(pairs):
    (pairs / "train/labels/a.png").unlink()
    (pairs / "train/images/b.png").unlink()
    Image.new("RGB", (16, 8)).save(pairs / "train/labels/c.png")
    Image.new("RGB", (16, 16)).save(pairs / "train/images/d.png")
    report = check("folder", pairs, classes=2)
    assert report.counts == {"train": 2, "test": 1}
    expected = ["a.png has no label", "b.png has no picture", "c.png is a colour picture", "id 2", "16x16", "id 2"]
    assert len(report.problems) == len(expected)
    for words in expected:
        assert any(words in problem for problem in report.problems)
    assert all(problem.endswith(".") and "\n" not in problem for problem in report.problems)
    with pytest.raises(ZooError, match=r"5 more problems: `zoo data check folder --data-root"):
        report.raise_problems()
    assert "6 problems found." in report.summary()


def test_without_a_class_count_ids_are_told(pairs):
    report = check("folder", pairs)
    assert report.ok and any("0 to 2" in note and "3 or more" in note for note in report.notes)


def test_quick_reads_changed_files_again(pairs):
    assert check("folder", pairs, quick=True, classes=3).ok
    assert check("folder", pairs, quick=True, classes=3).ok
    assert not check("folder", pairs, quick=True, classes=2).ok
    write_pair(pairs, "a", halves() * 5)
    assert "10" in check("folder", pairs, quick=True, classes=3).problems[0]


def test_quick_does_not_read_unchanged_files(pairs, monkeypatch):
    assert check("folder", pairs, quick=True, classes=3).ok
    opened = []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda path, *rest: opened.append(path) or real(path, *rest))
    assert check("folder", pairs, quick=True, classes=3).ok and not opened
    assert check("folder", pairs, classes=3).ok and opened


def test_the_full_release_of_ade20k(tmp_path):
    scene = tmp_path / "images/training/a/abbey"
    scene.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(scene / "ADE_train_00000970.jpg")
    Image.new("RGB", (8, 8)).save(scene / "ADE_train_00000970_seg.png")
    (problem,) = check("ade20k", tmp_path).problems
    assert "full ADE20K release" in problem and "SceneParse150" in problem


@pytest.mark.parametrize(("name", "words"), [("ade20k", "another release"), ("gta5", "zoo data prepare gta5")])
def test_colour_labels_are_another_release(samples_dir, tmp_path, name, words):
    root = tmp_path / name
    shutil.copytree(samples_dir / name, root, copy_function=shutil.copy)
    for path in (root, *root.rglob("*")):
        path.chmod(0o755)
    for path in root.rglob("*.png"):
        if (image := Image.open(path)).mode == "L":
            image.convert("RGB").save(path)
    report = check(name, root)
    assert words in report.problems[0] and len(report.problems) == 7


def test_nothing_there(tmp_path):
    report = check("deepfashion", tmp_path / "nowhere")
    assert not report.ok and "comes from" in report.problems[0] and "zoo data make" in report.problems[0]
