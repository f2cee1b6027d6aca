"""`zoo edit` on a small trained CLVAE: what it writes, keeps and refuses."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command_line import CLASSES, done, working_in, write_pictures, zoo
from zoo import load
from zoo.data.class_tables import class_table
from zoo.editing.directions import random_direction, save_direction
from zoo.visual import distinct_colours

SIZE = 64
PAIR = ("--image", "pictures/test/images/test0.png", "--mask", "pictures/test/labels/test0.png")
OTHER = ("--image", "pictures/test/images/test1.png", "--mask", "pictures/test/labels/test1.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures, and one run of a single iteration for each of CLVAE, GauGAN and cIMLE; tests leave them as they are."""
    with working_in(tmp_path_factory.mktemp("edit")) as folder:
        write_pictures(folder / "pictures")
        for method in ("clvae", "gaugan", "cimle"):
            done(
                *("train", method, "--data", "folder", "--data-root", "pictures", "--profile", "smoke"),
                *("--set", f"data.classes={CLASSES}", "--set", "data.class_names=[sky,road,tree,car]"),
                *("--set", "train.iterations=1", "--set", "train.batch_size=2", "--work-dir", method),
            )
        yield folder


def pixels(path: Path | str) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture.convert("RGB"))


def grey_levels_between(first, second) -> int:
    """The largest difference. The same picture may differ by one level where it is synthesised in batches of different
    sizes: a processor may use another kernel for each, and a file cuts fractions off.
    """
    return int(np.abs(first.astype(int) - second.astype(int)).max())


def edit(kind, *words):
    return done("edit", kind, "clvae/latest.pth", *words)


def refused(kind, *words, method="clvae"):
    outcome = zoo("edit", kind, f"{method}/latest.pth", *words)
    assert outcome.code == 2 and outcome.out == "" and outcome.err.count("\n") == 1
    return outcome.err


def test_a_class_is_redrawn_by_name_or_id_and_all_pixels_elsewhere_pasted_back(folder, tmp_path):
    words = (*PAIR, "--paste-back", "--seed", 4)
    edit("object", *words, "--classes", "road", "--out", tmp_path / "name.png")
    edit("object", *words, "--classes", "1", "--out", tmp_path / "id.png")
    edited, original = pixels(tmp_path / "name.png"), pixels(PAIR[1])
    assert np.array_equal(edited, pixels(tmp_path / "id.png"))
    with Image.open(PAIR[3]) as mask:
        road = np.array(mask) == 1
    assert np.array_equal(edited[~road], original[~road]) and not np.array_equal(edited[road], original[road])


def test_seeds_and_samples(folder, tmp_path):
    edit("object", *PAIR, "--classes", "sky", "--samples", 3, "--out", tmp_path / "three.png")
    strip = pixels(tmp_path / "three.png")
    assert strip.shape == (SIZE, 3 * SIZE + 2 * 2, 3)
    first, second = strip[:, :SIZE], strip[:, SIZE + 2 : 2 * SIZE + 2]
    assert not np.array_equal(first, second)
    edit("object", *PAIR, "--classes", "sky", "--seed", 1, "--out", tmp_path / "other.png")
    assert not np.array_equal(first, pixels(tmp_path / "other.png"))


def test_replacing_a_class_takes_it_from_the_other_picture(folder, tmp_path):
    edit("object", *PAIR, "--classes", "car", "--like", OTHER[1], OTHER[3], "--out", tmp_path / "like.png")
    method = load("clvae/latest.pth")
    image, label = (
        np.stack([pixels(pair[1]) for pair in (PAIR, OTHER)]),
        np.stack([np.array(Image.open(pair[3])) for pair in (PAIR, OTHER)]),
    )
    import torch

    images = torch.from_numpy(image).permute(0, 3, 1, 2) / 127.5 - 1
    labels = torch.from_numpy(label.astype(np.int64))
    mu = method.encode(images, labels).mu
    codes = mu.rows([0])
    local = codes["local"].clone()
    local[:, :, 3] = mu["local"][1:, :, 3]
    by_hand = method.synthesize(labels[:1], type(codes)({"global": codes["global"], "local": local}, codes.specs))
    expected = ((by_hand[0] + 1) / 2 * 255).permute(1, 2, 0).numpy()
    assert np.abs(pixels(tmp_path / "like.png") - expected).max() <= 1.01


def test_masks_in_colours_give_the_same_picture_as_ids(folder, tmp_path):
    with Image.open(PAIR[3]) as mask:
        colours = distinct_colours(CLASSES).numpy()[np.array(mask)]
    Image.fromarray(colours).save(tmp_path / "colours.png")
    words = ("--classes", "tree", "--out")
    edit("object", *PAIR, *words, tmp_path / "ids.png")
    edit("object", *PAIR[:2], "--mask", tmp_path / "colours.png", *words, tmp_path / "same.png")
    assert np.array_equal(pixels(tmp_path / "ids.png"), pixels(tmp_path / "same.png"))


def test_style_from_several_pictures(folder, tmp_path):
    one = ("--onto", PAIR[3], *OTHER)
    edit("style", *one, "--out", tmp_path / "style.png")
    edit(
        "style", *one, "--classes", "sky,road", *PAIR, "--classes", "car", "--samples", 2, "--out", tmp_path / "two.png"
    )
    assert pixels(tmp_path / "style.png").shape == (SIZE, SIZE, 3)
    assert pixels(tmp_path / "two.png").shape == (SIZE, 2 * SIZE + 2, 3)
    assert "--mask" in refused("style", *one, *PAIR[:2], "--out", tmp_path / "no.png")
    assert not (tmp_path / "no.png").exists()


def test_two_pictures_cannot_give_one_class(folder, tmp_path):
    words = ("--onto", PAIR[3], *OTHER, "--classes", "sky", *PAIR, "--classes", "sky", "--out", tmp_path / "no.png")
    assert "sky" in refused("style", *words)


def test_an_edit_that_was_pasted_back_is_replayed_with_the_original_pixels(folder, tmp_path):
    words = (*PAIR, "--classes", "sky", "--paste-back", "--save", tmp_path / "edit.zip", "--out", tmp_path / "sky.png")
    edit("object", *words)
    edit("replay", tmp_path / "edit.zip", "--out", tmp_path / "again.png")
    assert np.array_equal(pixels(tmp_path / "again.png"), pixels(tmp_path / "sky.png"))


@pytest.fixture(scope="module")
def photograph(folder):
    """A picture of 160x96 (width x height) with its mask, for methods of 64x64: ``--image F --mask F``."""
    generator = np.random.default_rng(3)
    Image.fromarray(generator.integers(0, 256, (96, 160, 3), dtype=np.uint8)).save(folder / "photograph.png")
    ids = np.kron([[0, 1], [2, 3]], np.ones((48, 80), np.uint8)).astype(np.uint8)
    ids[30:61, 50:109] = 1  # no edge of it is one of the method's pixels
    Image.fromarray(ids).save(folder / "photograph_mask.png")
    return ("--image", folder / "photograph.png", "--mask", folder / "photograph_mask.png")


def test_at_its_original_size_a_picture_keeps_every_pixel_outside_the_edit(folder, photograph, tmp_path):
    words = (*photograph, "--classes", "road", "--seed", 2)
    large = ("--paste-back", "--original-size", "--save", tmp_path / "edit.zip", "--out", tmp_path / "large.png")
    edit("object", *words, *large)
    edit("object", *words, "--out", tmp_path / "small.png")
    original, shown = pixels(photograph[1]), pixels(tmp_path / "large.png")
    with Image.open(photograph[3]) as mask:
        road = np.array(mask) == 1
    assert shown.shape == original.shape and np.array_equal(shown[~road], original[~road])
    with Image.open(tmp_path / "small.png") as small:
        upscaled = np.array(small.resize((160, 96), Image.Resampling.BICUBIC)).astype(int)
    # four pixels of the method from the border: six rows, ten columns
    deep = (slice(30 + 7, 61 - 7), slice(50 + 11, 109 - 11))
    assert np.abs(shown[deep] - upscaled[deep]).max() <= 2
    edit("replay", tmp_path / "edit.zip", "--out", tmp_path / "again.png")
    assert np.array_equal(pixels(tmp_path / "again.png"), shown)
    assert "--paste-back" in refused("object", *words, "--original-size", "--out", tmp_path / "no.png")


def test_a_new_mask_at_another_size_than_the_picture_changes_what_it_changes(folder, photograph, tmp_path):
    """A corner is painted anew, in a mask at the size of the picture, and in one at that of the method."""
    with Image.open(photograph[3]) as mask:
        large, small = mask.copy(), mask.resize((SIZE, SIZE), Image.Resampling.NEAREST)
    large.paste(3, (0, 0, 20, 12))
    small.paste(3, (0, 0, 8, 8))
    original = pixels(photograph[1])
    for new in (large, small):
        new.save(tmp_path / "new.png")
        words = (*photograph, "--new-mask", tmp_path / "new.png", "--paste-back", "--original-size")
        edit("object", *words, "--out", tmp_path / "out.png")
        shown = pixels(tmp_path / "out.png")
        changed = (shown != original).any(-1)
        assert changed[:12, :20].all() and not changed[12:].any() and not changed[:, 20:].any()


def test_what_is_pasted_back_is_what_was_not_edited(folder, tmp_path):
    bank, out = tmp_path / "bank.parquet", tmp_path / "out.png"
    done("codes", "extract", "clvae/latest.pth", "--data", "folder", "--split", "test", "--out", bank)
    listed = done("codes", "find", bank, "--classes", "tree", "--limit", 2)
    row = next(line.split()[0] for line in listed.splitlines() if "test1" in line)
    with Image.open(PAIR[3]) as mask:
        ids = np.array(mask)
    original, outside = pixels(PAIR[1]), ids != 2
    edit("object", *PAIR, "--bank", bank, "--row", row, "--paste-back", "--out", out)
    assert np.array_equal(pixels(out)[outside], original[outside]) and not np.array_equal(pixels(out), original)
    ids[:4, :4] = 3
    Image.fromarray(ids).save(tmp_path / "new.png")
    words = (*PAIR, "--new-mask", tmp_path / "new.png", "--paste-back", "--out", out)
    edit("object", *words)  # the mask alone is new, and so are its pixels
    assert np.array_equal(pixels(out)[4:], original[4:]) and not np.array_equal(pixels(out)[:4], original[:4])
    edit("object", *words, "--like", OTHER[1], OTHER[3])  # all codes are, and so is every pixel
    assert not np.array_equal(pixels(out)[8:], original[8:])


def test_a_bank_row_of_a_class_that_the_mask_lacks_and_a_direction_of_no_length(folder, tmp_path):
    bank, out = tmp_path / "bank.parquet", ("--out", tmp_path / "no.png")
    done("codes", "extract", "clvae/latest.pth", "--data", "folder", "--split", "test", "--out", bank)
    row = done("codes", "find", bank, "--classes", "car", "--limit", 1).splitlines()[2].split()[0]
    with Image.open(PAIR[3]) as mask:
        ids = np.array(mask)
    ids[ids == 3] = 0
    Image.fromarray(ids).save(tmp_path / "no_car.png")
    words = (*PAIR[:2], "--mask", tmp_path / "no_car.png", "--bank", bank, "--row", row, *out)
    assert "class car" in refused("object", *words)
    still = random_direction(load("clvae/latest.pth").code_specs).map(lambda tensor: tensor * 0)
    save_direction(tmp_path / "still.safetensors", still)
    words = (*PAIR, "--move", 1, "--direction", tmp_path / "still.safetensors", *out)
    assert "length 0" in refused("object", *words)


def test_a_method_without_codes_paints_a_new_mask(folder, tmp_path):
    words = (*PAIR, "--new-mask", OTHER[3], "--save", tmp_path / "edit.zip", "--out", tmp_path / "new.png")
    done("edit", "object", "gaugan/latest.pth", *words)
    done("edit", "replay", "gaugan/latest.pth", tmp_path / "edit.zip", "--out", tmp_path / "again.png")
    assert np.array_equal(pixels(tmp_path / "again.png"), pixels(tmp_path / "new.png"))


def test_the_direction_from_one_picture_to_another_leads_there(folder, tmp_path):
    there = tmp_path / "there.safetensors"
    done("codes", "direction", "clvae/latest.pth", *PAIR, *OTHER, "--out", there)
    edit("object", *PAIR, "--move", 1, "--direction", there, "--out", tmp_path / "moved.png")
    edit("object", *PAIR, "--like", OTHER[1], OTHER[3], "--out", tmp_path / "like.png")
    assert grey_levels_between(pixels(tmp_path / "moved.png"), pixels(tmp_path / "like.png")) <= 1


def test_a_material_strip_has_the_picture_itself_in_its_middle(folder, tmp_path):
    words = (*PAIR, "--classes", "tree", "--layers", "0-1", "--steps", 5)
    edit("material", *words, "--out", tmp_path / "strip.png")
    strip = pixels(tmp_path / "strip.png")
    middle = strip[:, 2 * (SIZE + 2) : 2 * (SIZE + 2) + SIZE]
    edit("object", *PAIR, "--new-mask", PAIR[3], "--out", tmp_path / "itself.png")
    assert grey_levels_between(middle, pixels(tmp_path / "itself.png")) <= 1
    assert grey_levels_between(strip[:, :SIZE], middle) > 1


def test_a_direction_may_come_from_a_file(folder, tmp_path):
    direction = random_direction(load("clvae/latest.pth").code_specs, seed=3)
    save_direction(tmp_path / "given.safetensors", direction)
    words = (*PAIR, "--steps", 3)
    edit("material", *words, "--direction", tmp_path / "given.safetensors", "--out", tmp_path / "given.png")
    edit("material", *words, "--seed", 3, "--out", tmp_path / "drawn.png")
    # the seed of the directions also draws classes that a picture lacks, and this one has them all
    assert np.array_equal(pixels(tmp_path / "given.png"), pixels(tmp_path / "drawn.png"))
    words = (*PAIR, "--out", tmp_path / "no.png")
    assert "--statistics" in refused("material", "--statistics", "some", *words)
    assert "--statistics" in refused("material", "--direction", "1", *words)
    assert "nowhere" in refused("material", "--direction", "nowhere", *words)


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_interpolation_as_a_film(folder, tmp_path, ending):
    edit("interpolate", *PAIR, *OTHER, "--steps", 3, "--out", tmp_path / f"film.{ending}")
    assert (tmp_path / f"film.{ending}").stat().st_size > 500


def test_interpolation_ends_at_the_codes_of_the_second_picture(folder, tmp_path):
    edit("interpolate", *PAIR, *OTHER, "--onto", OTHER[3], "--steps", 2, "--out", tmp_path / "ends.png")
    edit("object", *OTHER, "--new-mask", OTHER[3], "--out", tmp_path / "second.png")
    assert grey_levels_between(pixels(tmp_path / "ends.png")[:, SIZE + 2 :], pixels(tmp_path / "second.png")) <= 1
    assert "twice" in refused("interpolate", *PAIR, "--out", tmp_path / "no.png")


def test_a_saved_edit_is_replayed_to_the_same_picture(folder, tmp_path):
    words = (*PAIR, "--classes", "sky", "--samples", 2, "--save", tmp_path / "edit.zip", "--out", tmp_path / "row.png")
    edit("object", *words)
    edit("replay", tmp_path / "edit.zip", "--out", tmp_path / "again.png")
    assert np.array_equal(pixels(tmp_path / "again.png"), pixels(tmp_path / "row.png")[:, :SIZE])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--classes", "skie"), '"skie"; did you mean "sky"'),
        (("--classes", "sky", "--layers", "fine"), '"fine"'),
        (("--classes", "sky", "--layers", "2-7"), "0..5"),
        (("--classes", "sky", "--layers", "5"), "Layer 5"),
        (("--bank", "bank.parquet"), "--row"),
        (("--move", "1", "--like", OTHER[1], OTHER[3]), "--like, --row and --move"),
        (("--names", "gta5"), "20 classes"),
        (OTHER, "2 --image"),
        (("--like", OTHER[1], OTHER[3], "--samples", "2"), "--samples"),
        (("--layers", "0-1000000000"), "999"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(folder, tmp_path, words, problem):
    assert problem in refused("object", *PAIR, *words, "--out", tmp_path / "no.png")
    assert not list(tmp_path.iterdir())


def test_other_mistakes(folder, tmp_path):
    assert ".png, .gif, .mp4" in refused("object", *PAIR, "--out", tmp_path / "no.jpg")
    assert "encoder" in refused("object", *PAIR, "--out", tmp_path / "no.png", method="cimle")
    assert "codes" in refused("object", *PAIR, "--out", tmp_path / "no.png", method="gaugan")
    with Image.open(PAIR[3]) as mask:
        ids = np.array(mask)
    ids[ids == 3] = 0
    Image.fromarray(ids).save(tmp_path / "no_car.png")
    words = (*PAIR[:2], "--mask", tmp_path / "no_car.png", "--classes", "car", "--out", tmp_path / "no.png")
    assert "(sky, road, tree)" in refused("object", *words)


def test_the_names_of_the_checkpoint_are_those_of_its_dataset(folder):
    assert class_table(load("clvae/latest.pth").config.data).names == ("sky", "road", "tree", "car")
