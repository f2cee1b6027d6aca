"""`zoo codes` on a small trained CLVAE: statistics, a bank, and what is found in it."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.command_line import CLASSES, done, working_in, write_pictures, zoo
from zoo import checkpoints
from zoo.editing.statistics import CodeStatistics

DATA = ("--data", "folder", "--data-root", "pictures")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures, a run of one iteration for CLVAE and GauGAN, and a bank; tests leave them as they are."""
    with working_in(tmp_path_factory.mktemp("codes")) as folder:
        write_pictures(folder / "pictures", train=5)
        for method in ("clvae", "gaugan"):
            done(
                *("train", method, *DATA, "--profile", "smoke", "--work-dir", method),
                *("--set", f"data.classes={CLASSES}", "--set", "data.class_names=[sky,road,tree,car]"),
                *("--set", "train.iterations=1", "--set", "train.batch_size=2"),
            )
        said = done("codes", "extract", "clvae/latest.pth", *DATA, "--out", "bank.parquet")
        assert said == "Wrote bank.parquet: 25 rows from 5 pictures\n"
        yield folder


def table(text):
    """The cells of a printed table below its title and its heads, by row."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()[2:] if "  " in line]


def refused(*words):
    outcome = zoo("codes", *words)
    assert outcome.code == 2 and outcome.out == "" and outcome.err.count("\n") == 1
    return outcome.err


def test_fit_writes_what_edits_load(folder, tmp_path):
    out = tmp_path / "new" / "codes.safetensors"
    said = done("codes", "fit", "clvae/latest.pth", *DATA, "--components", 2, "--limit", 4, "--out", out)
    assert said.endswith(f"Wrote {out}: 2 directions from 4 pictures\n")
    found = CodeStatistics.load(out)
    assert found.directions == 2 and found.counts["local"][0, 0].flatten().tolist() == [4] * CLASSES
    origin = found.origin
    assert (origin.split, origin.dataset, origin.pictures) == ("train", "folder", 4)
    assert origin.checkpoint == checkpoints.digest(folder / "clvae" / "latest.pth")
    rows = table(said)
    assert [row[:2] for row in rows[1:]] == [["local", str(layer)] for layer in range(5)]
    assert all(0 <= float(cell.rstrip("%")) <= 100 for row in rows for cell in row[-2:])
    pair = ("--image", "pictures/test/images/test0.png", "--mask", "pictures/test/labels/test0.png")
    done(
        *("edit", "material", "clvae/latest.pth", *pair, "--classes", "sky"),
        *("--direction", 2, "--statistics", out, "--out", tmp_path / "strip.png"),
    )
    outcome = zoo(
        "edit", "material", "clvae/latest.pth", *pair, "--direction", 3, "--statistics", out, "--out", "no.png"
    )
    assert outcome.code == 2 and "direction 3" in outcome.err


def test_the_test_split_has_pictures_of_its_own(folder, tmp_path):
    done("codes", "extract", "clvae/latest.pth", *DATA, "--split", "test", "--out", tmp_path / "bank.parquet")
    assert set(pd.read_parquet(tmp_path / "bank.parquet").name) == {"test0", "test1"}


def test_find_lists_rows_of_a_class_by_name_or_id(folder):
    by_name = done("codes", "find", "bank.parquet", "--classes", "Road", "--limit", 3)
    assert by_name == done("codes", "find", "bank.parquet", "--classes", "1", "--limit", 3)
    frame = pd.read_parquet("bank.parquet").set_index("row")
    rows = table(by_name)
    assert len(rows) == 3
    for row, name, of, share in rows:
        assert frame.loc[int(row), ["name", "class_name"]].tolist() == [name, of] == [name, "road"]
        assert share == f"{frame.loc[int(row), 'share']:.1%}"
    assert [row[2] for row in table(done("codes", "find", "bank.parquet", "--classes", "sky,car"))] == (
        ["sky"] * 5 + ["car"] * 5
    )
    assert {row[2] for row in table(done("codes", "find", "bank.parquet", "--classes", "whole"))} == {"whole picture"}


def test_find_says_what_there_is(folder):
    rows = table(done("codes", "find", "bank.parquet"))
    named = [[str(k), name, "5"] for k, name in enumerate(("sky", "road", "tree", "car"))]
    assert rows == [*named, ["whole", "whole picture", "5"]]


def test_find_searches_by_codes(folder):
    like = int(table(done("codes", "find", "bank.parquet", "--classes", "tree"))[0][0])
    near = [int(row[0]) for row in table(done("codes", "find", "bank.parquet", "--classes", "tree", "--like", like))]
    far = [int(row[0]) for row in table(done("codes", "find", "bank.parquet", "--classes", "tree", "--diverse"))]
    assert len(near) == 4 and like not in near
    assert far[0] == like and far[1] == near[-1]  # the farthest from the first is the last of its neighbours


def test_the_sheet_shows_a_thumbnail_for_each_row(folder, tmp_path):
    out = tmp_path / "new" / "sheet.png"
    said = done("codes", "find", "bank.parquet", "--classes", "sky,car", "--limit", 4, "--out", out)
    assert said.endswith(f"Wrote {out}\n")
    assert [path.name for path in out.parent.iterdir()] == ["sheet.png"]
    with Image.open(out) as picture:
        sheet = np.array(picture)
    assert sheet.shape == (2 * (96 + 16 + 8) + 8, 5 * (96 + 8) + 8, 3)
    columns = [slice(8 + 104 * k, 104 + 104 * k) for k in range(5)]
    filled = [[(sheet[y : y + 96, x] != 255).mean() > 0.5 for x in columns] for y in (8, 128)]
    assert filled == [[True] * 5, [True] * 3 + [False] * 2]


def test_a_row_is_put_into_a_picture(folder, tmp_path):
    (row,) = table(done("codes", "find", "bank.parquet", "--classes", "sky", "--limit", 1))
    pair = ("--image", "pictures/test/images/test0.png", "--mask", "pictures/test/labels/test0.png")
    edit = ("edit", "object", "clvae/latest.pth", *pair, "--classes", "sky", "--bank", "bank.parquet")
    done(*edit, "--row", row[0], "--out", tmp_path / "edited.png")
    with Image.open(tmp_path / "edited.png") as picture:
        assert picture.size == (64, 64)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--classes", "rod"), '"rod"; did you mean "road"'),
        (("--classes", "4"), "0 to 3"),
        (("--classes", "sky", "--like", "999"), "row 999"),
        (("--classes", "sky", "--diverse", "--like", "0"), "two"),
        (("--classes", "sky", "--out", "sheet.jpg"), ".png"),
        (("--diverse",), "--classes"),
    ],
)
def test_searches_that_are_refused(folder, words, problem):
    assert problem in refused("find", "bank.parquet", *words)


def test_files_and_methods_that_are_refused(folder):
    assert "code bank" in refused("find", "clvae/latest.pth", "--classes", "sky")
    assert "nowhere.parquet" in refused("find", "nowhere.parquet")
    for command in ("fit", "extract"):
        assert "codes" in refused(command, "gaugan/latest.pth", *DATA, "--out", "no.file")
    assert "16 classes" in refused("extract", "clvae/latest.pth", *DATA, "--names", "deepfashion", "--out", "no.file")
    assert not (folder / "no.file").exists()
