"""The procedural stand-ins: files like the real ones, fixed by their seeds, varied by class and by light."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data import standin
from zoo.data.ade20k import CLASS_NAMES
from zoo.data.standin import MARKER, draw, is_procedural, make, standin_of
from zoo.errors import ZooError
from zoo.registries import DATASETS
from zoo_standins import Layout, class_style, paint
from zoo_standins.camera import Camera
from zoo_standins.canvas import Canvas
from zoo_standins.light import MOODS, draw_light
from zoo_standins.shapes import Box
from zoo_standins.textures import PATTERNS
from zoo_standins.things import PLACES

SMALL = {"ade20k": (64, 64), "deepfashion": (64, 64), "gta5": (64, 128)}
CLASSES = {"ade20k": 151, "deepfashion": 16, "gta5": 20}
LABELS = {
    "ade20k": "annotations/*/*.png",
    "deepfashion": "*/*_label.png",
    "gta5": "LabelgrayFull20/*/*.png",
}


def layout(name: str, seed: object, size: tuple[int, int]) -> Layout:
    return standin_of(DATASETS.get(name)).layout(seed, size)


def shape_of(root: Path) -> set[str]:
    """Relative file names with every digit replaced by 0, so that two datasets can be compared."""
    return {re.sub(r"\d", "0", str(path.relative_to(root))) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", SMALL)
def test_files_lie_where_the_real_ones_do(name: str, tmp_path: Path, samples_dir: Path) -> None:
    told: list[tuple[int, int]] = []
    make(name, tmp_path / "out", train=2, test=1, seed=0, size=SMALL[name], progress=lambda *at: told.append(at))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert is_procedural(tmp_path / "out") and not is_procedural(samples_dir / name)
    made, real = shape_of(tmp_path / "out") - {MARKER}, shape_of(samples_dir / name)
    assert made <= real
    assert {Path(file).parent for file in made} == {Path(file).parent for file in real}
    labels = sorted((tmp_path / "out").glob(LABELS[name]))
    assert len(labels) == 3 and len(list((tmp_path / "out").rglob("*.*"))) == 7 + (name == "deepfashion")
    for path in labels:
        label = Image.open(path)
        assert label.mode == "L" and label.size == SMALL[name][::-1]
        assert np.asarray(label).max() < CLASSES[name]
    if name == "deepfashion":
        palette = "color_palette.txt"
        mine, real_one = (json.loads((root / palette).read_text()) for root in (tmp_path / "out", samples_dir / name))
        assert mine == real_one


@pytest.mark.parametrize("name", SMALL)
def test_default_sizes_are_those_of_the_real_files(name: str, samples_dir: Path) -> None:
    image, label = draw(name, "train", 0, 0)
    assert image.dtype == label.dtype == np.uint8 and image.shape == (*label.shape, 3)
    assert label.shape == DATASETS.get(name).default_size
    if name != "ade20k":  # whose pictures come in all sizes
        assert label.shape == np.asarray(Image.open(next((samples_dir / name).glob(LABELS[name])))).shape


def test_white_margins_are_where_the_shop_has_them(samples_dir: Path) -> None:
    def margin(image: np.ndarray) -> int:
        return int(np.argmin((image > 250).all(axis=(0, 2))))

    real = [np.asarray(Image.open(path)) for path in (samples_dir / "deepfashion").glob("*/*.jpg")]
    made = [draw("deepfashion", "test", i, 5) for i in range(4)]
    assert np.median([margin(image) for image, _ in made]) == pytest.approx(np.median([margin(i) for i in real]), abs=4)
    assert all((label[:, :38] == 0).all() and (label[:, -38:] == 0).all() for _, label in made)


@pytest.mark.parametrize("name", SMALL)
def test_one_seed_one_dataset(name: str, tmp_path: Path) -> None:
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        make(name, tmp_path / folder, train=1, test=1, seed=seed, size=SMALL[name])
    a, b, c = ({p.name: p.read_bytes() for p in (tmp_path / f).rglob("*.*") if p.suffix != ".txt"} for f in "abc")
    assert a == b
    assert a.keys() == c.keys() and all(a[file] != c[file] for file in a)
    assert not np.array_equal(draw(name, "train", 0, 3, SMALL[name])[1], draw(name, "test", 0, 3, SMALL[name])[1])


@pytest.mark.parametrize("name", SMALL)
def test_a_scene_is_the_same_at_every_size(name: str) -> None:
    height, width = SMALL[name]
    for seed in range(3):
        small = layout(name, seed, (height, width)).surface
        large = layout(name, seed, (4 * height, 4 * width)).surface[2::4, 2::4]
        assert (small == large).mean() > 0.85


@pytest.mark.parametrize("name", SMALL)
def test_one_layout_in_two_styles(name: str) -> None:
    drawn = layout(name, 11, SMALL[name])
    first, again, other = paint(drawn, 1), paint(drawn, 1), paint(drawn, 2)
    np.testing.assert_array_equal(first, again)
    inside = ~(first == 255).all(-1)
    assert np.abs(first.astype(int) - other)[inside].mean() > 15


def test_a_class_does_not_know_of_the_others() -> None:
    """Turn one class of a picture into another: every other pixel stays as it was."""
    drawn = layout("gta5", 5, SMALL["gta5"])
    surface = np.where(drawn.surface == 0, np.uint8(9), drawn.surface)
    before, after = paint(drawn, 7), paint(replace(drawn, surface=surface), 7)
    changed = (before != after).any(-1)
    assert changed[drawn.surface == 0].mean() > 0.9
    assert not changed[drawn.surface != 0].any()


@pytest.mark.parametrize("name", CLASSES)
def test_class_colours_vary_and_are_independent(name: str) -> None:
    """Over 120 styles each class spreads wide, and no two classes move together more than chance allows."""
    colours = np.array(
        [
            [class_style(DATASETS.get(name).standin, k, s).first.mean() for k in range(0, CLASSES[name], 3)]
            for s in range(120)
        ]
    )
    assert colours.std(0).min() > 0.05
    correlation = np.corrcoef(colours.T)
    assert np.abs(correlation[np.triu_indices_from(correlation, 1)]).max() < 5 / np.sqrt(120)


def test_light_varies_in_level_and_tint() -> None:
    for scene in MOODS:
        gains = np.array([draw_light(scene, np.random.default_rng(s)).gain for s in range(60)])
        assert gains.mean(1).max() / gains.mean(1).min() > 1.4
        warmth = gains[:, 0] / gains[:, 2]
        assert warmth.max() > 1.1 and warmth.min() < 0.95


@pytest.mark.parametrize("texture", PATTERNS)
def test_patterns_are_shares_that_do_not_depend_on_which_points_are_asked_for(texture: str) -> None:
    u, v = np.random.default_rng(0).uniform(0, 9, (2, 4000)).astype(np.float32)
    whole = PATTERNS[texture](u, v, 0.5, np.random.default_rng(1))
    assert whole.min() >= 0 and whole.max() <= 1 and whole.std() > 0.02
    np.testing.assert_array_equal(PATTERNS[texture](u[:50], v[:50], 0.5, np.random.default_rng(1)), whole[:50])


def test_ade20k_has_a_long_tail() -> None:
    """Few classes make most of the pixels, dozens are rare, and unknown pixels are few but in nearly every picture."""
    drawings = [layout("ade20k", (2, i), (64, 64)) for i in range(90)]
    labels = [drawn.label for drawn in drawings]
    pixels = np.bincount(np.concatenate([label.ravel() for label in labels]), minlength=151) / 64**2 / len(labels)
    pictures = np.sum([np.isin(np.arange(151), label) for label in labels], axis=0)
    assert 0.005 < pixels[0] < 0.1 and pictures[0] > 0.9 * len(labels)
    assert np.sort(pixels)[-15:].sum() > 0.65
    assert (pictures > 0).sum() > 90
    assert ((pictures > 0) & (pixels < 1e-3)).sum() > 40
    scenes = [drawn.scene for drawn in drawings]
    assert min(scenes.count("room"), scenes.count("landscape")) > 25


def test_all_of_ade20k_can_be_drawn() -> None:
    """What is not a thing of the catalogue is scenery, and that comes up often."""
    drawable = set()
    for things in PLACES.values():
        for thing in things:
            canvas = Canvas((64, 64), Camera(0.5, 0.4, 1.0, 1.5), background=255)
            thing.draw(canvas, thing.cls, Box(0.2, 0.2, 0.8, 0.8), np.random.default_rng(0))
            found = set(np.unique(canvas.surface).tolist()) - {255}
            assert found == {thing.cls} and (canvas.surface == thing.cls).sum() > 60, thing.name
            drawable |= found
    scenery = {k for i in range(250) for k in np.unique(layout("ade20k", i, (32, 32)).label).tolist()}
    assert drawable | scenery == set(range(151))


@pytest.mark.parametrize("name", ["deepfashion", "gta5"])
def test_every_class_occurs(name: str) -> None:
    size = (48, 48 * SMALL[name][1] // SMALL[name][0])
    seen = {k for i in range(90) for k in np.unique(layout(name, i, size).label).tolist()}
    assert seen == set(range(CLASSES[name]))


def test_names_fit_the_real_labels(samples_dir: Path) -> None:
    bedroom = np.unique(np.asarray(Image.open(samples_dir / "ade20k/annotations/validation/ADE_val_00001154.png")))
    seen = {CLASS_NAMES[k] for k in bedroom.tolist()}
    assert {"wall", "ceiling", "bed", "pillow", "windowpane", "chest of drawers", "lamp", "fan"} <= seen | {"floor"}


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("words")
    with pytest.raises(ZooError, match="not an empty folder"):
        make("ade20k", tmp_path / "mine", train=1, test=0, seed=0, size=(32, 32))
    assert [p.name for p in tmp_path.rglob("*.*")] == ["thesis.txt"]
    (tmp_path / "empty").mkdir()
    make("ade20k", tmp_path / "empty", train=1, test=0, seed=0, size=(32, 32))
    assert len(list((tmp_path / "empty").rglob("ADE_train_00000001.*"))) == 2


def test_many_pictures_are_drawn_by_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin, "MANY", 1)
    seen: list[tuple[int, int]] = []
    make("gta5", tmp_path, train=9, test=2, seed=4, size=(32, 64), progress=lambda *p: seen.append(p))
    assert seen == [(done, 11) for done in range(1, 12)]
    image, label = draw("gta5", "test", 1, 4, (32, 64))
    files = DATASETS.get("gta5").files(tmp_path, "test", 1)
    for file, expected in zip(files, (image, label), strict=True):
        assert np.array_equal(np.asarray(Image.open(file)), expected)


def test_an_interrupted_make_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make("gta5", tmp_path / "out", train=3, test=1, seed=0, size=(32, 64), progress=stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make("ade20", Path("nowhere"), train=1, test=1, seed=0), "ade20k"),
        (lambda: layout("gta5", 0, (8, 16)), "too small"),
        (lambda: draw("gta5", "val", 0, 0), "val"),
        (lambda: draw("gta5", "train", 0, -1), "-1"),
        (lambda: make("gta5", Path("nowhere"), train=0, test=0, seed=0), "0 training"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(call: object, message: str) -> None:
    with pytest.raises(ZooError, match=message):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "size", "digest"),
    [
        ("ade20k", (48, 64), "d7e1c1319011d7f7"),
        ("deepfashion", (64, 64), "1083ab7ef997e332"),
        ("gta5", (32, 64), "1fc1207f191679a4"),
    ],
)
def test_the_pictures_of_a_seed_never_change(name: str, size: tuple[int, int], digest: str) -> None:
    """Results on stand-ins are compared over versions of the zoo."""
    found = hashlib.sha256()
    for split in ("train", "test"):
        for index in range(6):
            for array in draw(name, split, index, 3, size):
                found.update(array.tobytes())
    assert found.hexdigest()[:16] == digest
