"""The code bank: rows of hand-checked pictures, searches against numpy, and what is put into codes and what is not."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from zoo import ZooError
from zoo.contract import CLASSES, SIZE
from zoo.data.class_tables import ClassTable
from zoo.data.folder import Folder
from zoo.editing.bank import CodeBank, extract_bank
from zoo.editing.bank_row import WHOLE
from zoo.editing.edits import edit_object

NAMES = ("wall", "road", "tree", "sky", "sea", "bird")
TABLE = ClassTable(NAMES, ((0, 0, 0),) * CLASSES)
SHOWN = {0: 10, 1: 10, 2: 10, 3: 10, 4: 3, 5: 1}
"""In how many of the noisy pictures each class is."""
COLOURS = np.array([[200, 40, 90], [10, 40, 90], [0, 250, 0], [50, 60, 70]], np.uint8)


@pytest.fixture(scope="module")
def quadrants(tmp_path_factory) -> Folder:
    """One picture with a class and a colour in each quadrant, and a pixel of class 5."""
    root = tmp_path_factory.mktemp("quadrants")
    label = np.kron(np.arange(4).reshape(2, 2), np.ones((32, 32), np.int64)).astype(np.uint8)
    image = COLOURS[label]
    label[5, 6] = 5
    for part, pixels in (("images", image), ("labels", label)):
        (root / "test" / part).mkdir(parents=True)
        Image.fromarray(pixels).save(root / "test" / part / "plan.png")
    return Folder(root=root, split="test", size=SIZE, classes=CLASSES)


@pytest.fixture(scope="module")
def banks(small, noisy, tmp_path_factory):
    """The bank of the noisy pictures by a method, with every class however small."""
    folder = tmp_path_factory.mktemp("banks")

    def bank(name):
        path = folder / f"{name}.parquet"
        if not path.exists():
            extract_bank(small(name), noisy, path, checkpoint="abc", table=TABLE, min_share=0)
        return CodeBank.open(path)

    return bank


def encoded(method, dataset, name):
    item = next(item for item in dataset if item["name"] == name)
    return method.encode(item["image"][None], item["label"][None])


def pixels(thumbnail):
    with Image.open(io.BytesIO(thumbnail)) as picture:
        assert picture.format == "PNG"
        return np.array(picture).astype(int)


def test_a_hand_checked_picture(small, quadrants, tmp_path):
    path = tmp_path / "new" / "bank.parquet"
    assert extract_bank(small("clvae"), quadrants, path, checkpoint="abc", table=TABLE) == 5
    assert [file.name for file in path.parent.iterdir()] == ["bank.parquet"]
    bank = CodeBank.open(path)
    assert len(bank) == 5 and bank.classes() == {0: 1, 1: 1, 2: 1, 3: 1}  # a single pixel is less than 0.2 %
    rows = [bank.row(number) for number in range(5)]
    facts = [(row.id, row.name, row.class_id, row.class_name) for row in rows]
    assert facts == [(k, "plan", k, NAMES[k]) for k in range(4)] + [(4, "plan", -1, "whole picture")]
    assert [row.share for row in rows] == [pytest.approx(1023 / 4096), 0.25, 0.25, 0.25, 1]
    mu = encoded(small("clvae"), quadrants, "plan").mu
    for row in rows[:4]:
        assert row.values.keys() == {"local"} and torch.equal(row.values["local"], mu["local"][0, :, row.class_id])
    assert rows[4].values.keys() == {"global"} and torch.equal(rows[4].values["global"], mu["global"][0])
    origin = bank.origin
    facts = (origin.method, origin.checkpoint, origin.dataset, origin.split, origin.pictures)
    assert facts == ("clvae", "abc", "folder", "test", 1)


def test_thumbnails_show_the_region_and_pale_the_rest(small, quadrants, tmp_path):
    extract_bank(small("clvae"), quadrants, tmp_path / "bank.parquet", checkpoint="abc")
    bank = CodeBank.open(tmp_path / "bank.parquet")
    assert bank.row(0).class_name == "class 0"
    sea = pixels(bank.row(2).thumbnail)  # lower left; the square of 32 * 1.3 pixels is cut at the picture's corner
    assert sea.shape == (96, 96, 3)
    assert sea[60, 30].tolist() == COLOURS[2].tolist()
    assert np.abs(sea[5, 30] - (COLOURS[0] + 0.7 * (255.0 - COLOURS[0]))).max() <= 1
    shown = 32 / 42 * 96
    assert (sea[:, 0] == COLOURS[2]).all(1).sum() == pytest.approx(shown, abs=4)  # bicubic at the border
    whole = pixels(bank.row(4).thumbnail)
    for k, place in enumerate([(20, 20), (20, 70), (70, 20), (70, 70)]):
        assert whole[place].tolist() == COLOURS[k].tolist()


def test_thumbnails_of_wide_pictures_are_square_too(small, tmp_path):
    for part in ("images", "labels"):
        (tmp_path / "test" / part).mkdir(parents=True)
    Image.new("RGB", (64, 32), (9, 9, 9)).save(tmp_path / "test" / "images" / "a.png")
    Image.new("L", (64, 32), 1).save(tmp_path / "test" / "labels" / "a.png")
    wide = Folder(root=tmp_path, split="test", size=(32, 64), classes=CLASSES)
    extract_bank(small("groupdnet"), wide, tmp_path / "bank.parquet", checkpoint="abc")
    shown = pixels(CodeBank.open(tmp_path / "bank.parquet").row(0).thumbnail)
    assert shown.shape == (96, 96, 3)
    assert (shown[:20] == 255).all() and (shown[30:66] == 9).all() and (shown[76:] == 255).all()


def test_other_programs_can_read_the_file(banks):
    frame = pd.read_parquet(banks("clvae").path)
    assert frame["row"].tolist() == list(range(len(frame)))
    sky = frame[(frame.name == "7") & (frame.class_name == "sky")].iloc[0]
    assert sky.class_id == 3 and sky.share == 0.25 and sky.thumbnail.startswith(b"\x89PNG")
    assert len(sky.codes_local) == 5 * CLASSES and sky.codes_global is None and list(sky.present_local) == [True] * 5


@pytest.mark.parametrize(
    ("name", "per_class", "whole"),
    [("clvae", SHOWN, 10), ("gaugan_vae", {}, 10), ("groupdnet", SHOWN, 0)],
)
def test_rows_are_of_what_the_method_has_codes_for(banks, name, per_class, whole):
    bank = banks(name)
    assert bank.classes() == per_class
    assert len(bank) == sum(per_class.values()) + whole


# --- searches ---


def codes_of_class(bank, k):
    """Ids, shares and codes of the rows of a class, as pandas reads them."""
    frame = pd.read_parquet(bank.path)
    frame = frame[frame.class_id == k]
    column = "codes_global" if k == WHOLE else "codes_local"
    return frame.row.to_numpy(), frame.share.to_numpy(), np.stack(frame[column].to_numpy())


def test_the_largest_regions_come_first(banks):
    ids, shares, _ = codes_of_class(banks("clvae"), 2)
    found = banks("clvae").find(2, limit=4)
    assert [row.share for row in found] == sorted(shares.tolist(), reverse=True)[:4]
    assert {row.class_id for row in found} == {2} and {row.id for row in found} <= set(ids.tolist())
    assert len(banks("clvae").find(2, limit=100)) == len(ids)


@pytest.mark.parametrize("k", [1, WHOLE])
def test_rows_like_another_are_the_nearest(banks, k):
    ids, _, codes = codes_of_class(banks("clvae"), k)
    distance = ((codes.astype(np.float64) - codes[4]) ** 2).sum(1)
    expected = [row for row in ids[np.argsort(distance)].tolist() if row != ids[4]]
    assert [row.id for row in banks("clvae").find(k, like=int(ids[4]), limit=6)] == expected[:6]


def test_diverse_rows_are_the_farthest_from_those_before(banks):
    ids, _, codes = codes_of_class(banks("clvae"), 0)
    place = {row: index for index, row in enumerate(ids.tolist())}
    found = [place[row.id] for row in banks("clvae").find(0, diverse=True, limit=5)]
    assert found[0] == place[banks("clvae").find(0, limit=1)[0].id] and len(set(found)) == 5
    for number in range(1, 5):
        gaps = np.linalg.norm(codes[:, None] - codes[found[:number]], axis=2).min(1)
        assert gaps[found[number]] == pytest.approx(gaps.max(), rel=1e-5)
    assert sorted(row.id for row in banks("clvae").find(0, diverse=True, limit=99)) == ids.tolist()


def test_a_class_with_a_single_row(banks):
    bank = banks("clvae")
    (row,) = bank.find(5)
    assert bank.find(5, diverse=True)[0].id == row.id and bank.find(5, like=row.id) == []


def test_searches_that_cannot_be_answered(banks):
    bank, other = banks("clvae"), banks("groupdnet")
    with pytest.raises(ZooError, match=r"class 9.*\(wall, road, tree, sky, sea, bird\)"):
        bank.find(9)
    with pytest.raises(ZooError, match="whole picture"):
        other.find(WHOLE)
    with pytest.raises(ZooError, match="two"):
        bank.find(0, diverse=True, like=0)
    with pytest.raises(ZooError, match=r"Row 0 .*wall.*sky"):
        bank.find(3, like=0)
    for number in (-1, len(bank)):
        with pytest.raises(ZooError, match=rf"row {number} .*0 to {len(bank) - 1}"):
            bank.row(number)


# --- putting codes in ---


def test_the_class_of_a_row_is_put_in_and_nothing_else(banks, small, noisy):
    row = banks("clvae").find(3)[0]
    codes = small("clvae").sample(noisy[0]["label"][None], 2, seed=0)
    edited = row.put(codes)
    expected = codes["local"].clone()
    expected[:, :, 3] = encoded(small("clvae"), noisy, row.name).mu["local"][:, :, 3]
    torch.testing.assert_close(edited["local"], expected, rtol=0, atol=1e-6)
    kept = [k for k in range(CLASSES) if k != 3]
    assert torch.equal(edited["local"][:, :, kept], codes["local"][:, :, kept])
    assert torch.equal(edited["local"][:, :, 3], row.values["local"].expand(2, -1, -1))
    assert torch.equal(edited["global"], codes["global"])
    one = row.put(codes, layers=[1])["local"]
    assert torch.equal(one[:, 1], edited["local"][:, 1])
    assert torch.equal(one[:, [0, 2, 3, 4]], codes["local"][:, [0, 2, 3, 4]])


def test_layers_that_lost_the_class_keep_their_codes(banks, small, noisy):
    (row,) = banks("clvae").find(5)
    seen = encoded(small("clvae"), noisy, row.name).class_mask["local"][0, :, 5]
    codes = small("clvae").sample(noisy[0]["label"][None], seed=0)
    edited = row.put(codes)["local"][0, :, 5]
    assert seen.any() and not seen.all() and torch.equal(row.present["local"][:, 0], seen)
    assert torch.equal(edited[~seen], codes["local"][0, ~seen, 5])
    assert torch.equal(edited[seen], row.values["local"][seen])


@pytest.mark.parametrize("name", ["clvae", "gaugan_vae"])
def test_a_row_of_a_whole_picture_gives_the_look_of_the_whole(banks, small, noisy, name):
    row = banks(name).find(WHOLE)[2]
    codes = small(name).sample(noisy[0]["label"][None], 2, seed=0)
    edited = row.put(codes)
    assert torch.equal(edited["global"], row.values["global"].expand(2, -1))
    assert all(torch.equal(edited[other], codes[other]) for other in codes if other != "global")


def test_a_whole_picture_has_no_share_in_single_layers(banks, small, noisy):
    bank = banks("clvae")
    row, codes = bank.find(WHOLE)[0], small("clvae").sample(noisy[0]["label"][None], seed=0)
    assert torch.equal(row.put(codes, layers=[5])["global"][0], row.values["global"])
    with pytest.raises(ZooError, match="layer 5"):
        row.put(codes, layers=[0, 1])


def test_groupdnet_takes_a_class_whole(banks, small, noisy):
    row = banks("groupdnet").find(1)[0]
    codes = small("groupdnet").sample(noisy[0]["label"][None], seed=0)
    edited = row.put(codes)["local"]
    assert torch.equal(edited[0, 1], row.values["local"])
    assert torch.equal(edited[0, [0, 2, 3, 4, 5]], codes["local"][0, [0, 2, 3, 4, 5]])
    with pytest.raises(ZooError, match="layer axis"):
        row.put(codes, layers=[0])


@pytest.mark.parametrize("classes", [None, [3], [2, 3]])
def test_an_edit_takes_the_class_of_its_row_alone(banks, small, noisy, classes):
    row, label = banks("clvae").find(3)[0], noisy[0]["label"][None]
    codes = small("clvae").sample(label, seed=0)
    edited = edit_object(small("clvae"), label, codes, row, classes=classes)
    assert torch.equal(edited["local"], row.put(codes)["local"]) and torch.equal(edited["global"], codes["global"])
    for other in (row, banks("clvae").find(WHOLE)[0]):
        with pytest.raises(ZooError, match=f"Row {other.id}"):
            edit_object(small("clvae"), label, codes, other, classes=[1])


# --- files of other kinds ---


def test_a_bank_of_another_method_is_refused(banks, small):
    banks("clvae").check(small("clvae"))
    with pytest.raises(ZooError, match=r"clvae\.parquet .*clvae.*groupdnet"):
        banks("clvae").check(small("groupdnet"))


def test_other_files_are_refused(tmp_path, banks):
    path = tmp_path / "bank.parquet"
    with pytest.raises(ZooError, match="code bank"):
        CodeBank.open(path)
    path.write_text("no table")
    with pytest.raises(ZooError, match="code bank"):
        CodeBank.open(path)
    pd.DataFrame({"class_id": [1], "share": [0.5]}).to_parquet(path)
    with pytest.raises(ZooError, match="code bank"):
        CodeBank.open(path)
    path.write_bytes(banks("clvae").path.read_bytes()[:-100])
    with pytest.raises(ZooError, match="damaged"):
        CodeBank.open(path)


def test_damage_within_a_bank_is_told(tmp_path, banks):
    content = bytearray(banks("gaugan_vae").path.read_bytes())
    content[8 : len(content) // 2] = b"\xff" * (len(content) // 2 - 8)  # the table of contents is at the end
    (tmp_path / "bank.parquet").write_bytes(content)
    with pytest.raises(ZooError, match="damaged"):
        CodeBank.open(tmp_path / "bank.parquet").find(WHOLE)


def test_nothing_half_written_stays(small, noisy, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    (tmp_path / "bank.parquet").write_text("an older one")
    with pytest.raises(KeyboardInterrupt):
        extract_bank(small("clvae"), noisy, tmp_path / "bank.parquet", checkpoint="abc", table=TABLE, progress=stop)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["an older one"]


@pytest.mark.parametrize(("name", "lacking"), [("gaugan", "codes"), ("cimle", "encoder")])
def test_methods_that_cannot_encode_are_refused(small, noisy, tmp_path, name, lacking):
    with pytest.raises(ZooError, match=lacking):
        extract_bank(small(name), noisy, tmp_path / "bank.parquet", checkpoint="abc", table=TABLE)
    assert not list(tmp_path.iterdir())
