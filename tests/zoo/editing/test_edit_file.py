"""The file of an edit: it gives back the picture, people can open it, and other files are refused."""

import io
import json
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load, save

from zoo import Codes, CodeSpec, ZooError
from zoo.contract import SIZE, small_batch
from zoo.editing.edit_file import EditFile
from zoo.editing.pasting import PasteBack
from zoo.metrics.pictures import to_uint8_truncated

METHODS = ("clvae", "gaugan_vae", "groupdnet", "cimle", "gaugan")


def edit_of(method, **facts) -> EditFile:
    label = small_batch().label[:1]
    codes = method.sample(label, 1, seed=3)
    return EditFile(
        label[0], codes, to_uint8_truncated(method.synthesize(label, codes))[0], "ab" * 32, method.name, facts
    )


def plain(**changed) -> EditFile:
    """An edit that no method made."""
    codes = Codes({"style": torch.tensor([[1.0, -2.0, 0.5]])}, {"style": CodeSpec((3,), ("channel",))})
    parts = {
        "mask": torch.tensor([[0, 1], [2, 3]]),
        "codes": codes,
        "result": torch.arange(12, dtype=torch.uint8).view(3, 2, 2),
        "checkpoint": "ab" * 32,
        "method": "toy",
        "facts": {"seed": 3},
    }
    return EditFile(**(parts | changed))


def members_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes], compression=zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def with_json(**changed) -> bytes:
    members = members_of(plain().to_bytes())
    return packed(members | {"edit.json": json.dumps(json.loads(members["edit.json"]) | changed).encode()})


@pytest.mark.parametrize("name", METHODS)
def test_a_file_gives_back_the_picture_bit_for_bit(small, name, tmp_path):
    method, edit = small(name), edit_of(small(name), pasted=False)
    edit.save(tmp_path / "new" / "edit.zip")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["edit.zip"]
    loaded = EditFile.load(tmp_path / "new" / "edit.zip")
    assert torch.equal(loaded.reproduce(method), edit.result)
    assert torch.equal(loaded.mask, edit.mask) and loaded.mask.dtype == torch.int64
    assert torch.equal(loaded.result, edit.result) and loaded.result.dtype == torch.uint8
    assert loaded.codes.keys() == edit.codes.keys() and loaded.codes.specs == edit.codes.specs
    assert all(torch.equal(loaded.codes[code], edit.codes[code]) for code in edit.codes)
    assert (loaded.method, loaded.checkpoint, loaded.facts) == (name, "ab" * 32, {"pasted": False})


def test_an_edit_on_a_larger_original_comes_back_at_its_size(small):
    edit, region = edit_of(small("clvae")), torch.zeros(100, 150, dtype=torch.bool)
    region[20:80, 30:] = True
    original = torch.randint(0, 256, (3, 100, 150), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    paste = PasteBack(original, region, 2)
    pasted = replace(edit, result=paste.onto(edit.result[None])[0], paste=paste)
    loaded = EditFile.from_bytes(pasted.to_bytes(), "The file")
    assert loaded.paste is not None and loaded.paste.feather == 2
    assert torch.equal(loaded.paste.original, original) and torch.equal(loaded.paste.region, region)
    again = loaded.reproduce(small("clvae"))
    assert torch.equal(again, pasted.result) and torch.equal(again[:, ~region], original[:, ~region])


def test_people_can_open_it():
    members = members_of(plain().to_bytes())
    assert list(members) == ["edit.json", "mask.png", "result.png", "codes.safetensors"]
    mask, result = (Image.open(io.BytesIO(members[name])) for name in ("mask.png", "result.png"))
    assert mask.mode == "L" and np.asarray(mask).tolist() == [[0, 1], [2, 3]]
    assert np.asarray(result).tolist() == [[[0, 4, 8], [1, 5, 9]], [[2, 6, 10], [3, 7, 11]]]
    assert load(members["codes.safetensors"])["style"].tolist() == [[1.0, -2.0, 0.5]]
    assert json.loads(members["edit.json"])["facts"] == {"seed": 3}


def test_the_same_edit_gives_the_same_bytes(small):
    first, second = edit_of(small("clvae")).to_bytes(), edit_of(small("clvae")).to_bytes()
    assert first == second == EditFile.from_bytes(first, "The file").to_bytes()


def test_ids_of_16_bits_and_facts_with_any_name_come_back():
    edit = plain(mask=torch.tensor([[0, 300], [65535, 1]]), facts={"format": 9, "codes": None, "deep": [{"a": 1}]})
    loaded = EditFile.from_bytes(edit.to_bytes(), "The file")
    assert torch.equal(loaded.mask, edit.mask) and loaded.facts == edit.facts


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        plain(facts={"a picture": object()}).save(tmp_path / "edit.zip")
    assert not list(tmp_path.iterdir())


# --- what is refused ---


MEMBERS = members_of(plain().to_bytes())
ORIGINAL = PasteBack(torch.zeros(3, 4, 6, dtype=torch.uint8), torch.ones(4, 6, dtype=torch.bool), 1)
PASTED = members_of(plain(result=ORIGINAL.original, paste=ORIGINAL).to_bytes())
NAN = save({"style": torch.full((1, 3), torch.nan)})
HUGE = io.BytesIO()
Image.new("L", (10_000, 9_000)).save(HUGE, "PNG")
OTHER = {
    "nothing": b"",
    "text": b"no ZIP",
    "another ZIP": packed({"letter.txt": b"Hello"}),
    "a member more": packed(MEMBERS | {"../../escape.txt": b"!"}),
    "a member less": packed({name: MEMBERS[name] for name in list(MEMBERS)[1:]}),
    "compressed": packed(MEMBERS, zipfile.ZIP_DEFLATED),
    "a bomb": packed(MEMBERS | {"edit.json": b" " * 10_000_000}, zipfile.ZIP_DEFLATED),
    "no JSON": packed(MEMBERS | {"edit.json": b"{"}),
    "JSON of another kind": packed(MEMBERS | {"edit.json": b"[1, 2]"}),
    "JSON without an end": packed(MEMBERS | {"edit.json": b"[" * 200_000}),
    "no method": packed(MEMBERS | {"edit.json": b'{"format": 1, "codes": {}}'}),
    "no facts": with_json(facts=7),
    "a mask in colours": packed(MEMBERS | {"mask.png": MEMBERS["result.png"]}),
    "a grey result": packed(MEMBERS | {"result.png": MEMBERS["mask.png"]}),
    "a result of another size": packed(
        MEMBERS
        | {"result.png": members_of(plain(result=torch.zeros(3, 2, 4, dtype=torch.uint8)).to_bytes())["result.png"]}
    ),
    "a result of another size than the original": packed(PASTED | {"result.png": MEMBERS["result.png"]}),
    "a region of another size than the original": packed(PASTED | {"region.png": MEMBERS["mask.png"]}),
    "a huge picture": packed(MEMBERS | {"mask.png": HUGE.getvalue()}),
    "no picture": packed(MEMBERS | {"mask.png": b"no picture"}),
    "a pickle": packed(MEMBERS | {"codes.safetensors": pickle.dumps([1])}),
    "no numbers": packed(MEMBERS | {"codes.safetensors": NAN}),
    "whole numbers": packed(MEMBERS | {"codes.safetensors": save({"style": torch.ones(1, 3, dtype=torch.int64)})}),
    "codes of two pictures": packed(MEMBERS | {"codes.safetensors": save({"style": torch.ones(2, 3)})}),
    "other shapes": with_json(codes={"style": {"shape": [4], "axes": ["channel"]}}),
    "other codes": with_json(codes={"global": {"shape": [3], "axes": ["channel"]}}),
    "too many axes": with_json(codes={"style": {"shape": [3], "axes": ["channel", "class"]}}),
    "no specs": with_json(codes=[1]),
}


@pytest.mark.filterwarnings("ignore:Image size .* exceeds limit")
@pytest.mark.parametrize("content", OTHER.values(), ids=OTHER)
def test_other_files_are_refused(content):
    with pytest.raises(ZooError, match=r"^The file a\.zip .*damaged.*\.$"):
        EditFile.from_bytes(content, "The file a.zip")


def test_a_pickle_is_not_executed(tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    with pytest.raises(ZooError, match="damaged"):
        EditFile.from_bytes(packed(MEMBERS | {"codes.safetensors": pickle.dumps(Trap())}), "The file")
    assert not (tmp_path / "sprung").exists()


def test_a_damaged_file_is_refused_wherever_it_is_damaged():
    content = plain().to_bytes()
    for at in range(0, len(content), 7):
        with pytest.raises(ZooError):
            EditFile.from_bytes(content[:at], "The file")
        changed = content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]
        try:
            loaded = EditFile.from_bytes(changed, "The file")
        except ZooError:
            continue
        assert loaded.to_bytes() == content  # a byte that says nothing, such as a time


def test_huge_files_are_refused_before_they_are_unpacked(monkeypatch, tmp_path):
    plain().save(tmp_path / "edit.zip")
    monkeypatch.setattr("zoo.editing.edit_file.MAX_BYTES", len(plain().to_bytes()) - 1)
    with pytest.raises(ZooError, match="damaged"):
        EditFile.load(tmp_path / "edit.zip")


def test_what_would_not_be_read_again_is_not_written(monkeypatch, tmp_path):
    most = len(plain().to_bytes())
    monkeypatch.setattr("zoo.editing.edit_file.MAX_BYTES", most)
    assert EditFile.from_bytes(plain().to_bytes(), "The file").method == "toy"
    with pytest.raises(ZooError, match=" MB"):
        plain(facts={"seed": 3000}).save(tmp_path / "edit.zip")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ZooError, match="90,000,000 pixels"):
        plain(result=torch.zeros((), dtype=torch.uint8).expand(3, 9_000, 10_000)).to_bytes()


def test_a_picture_of_more_than_16_million_pixels_comes_back():
    original = torch.zeros(3, 4100, 4000, dtype=torch.uint8)
    paste = PasteBack(original, torch.ones(4100, 4000, dtype=torch.bool), 1)
    loaded = EditFile.from_bytes(plain(result=original, paste=paste).to_bytes(), "The file")
    assert loaded.paste is not None and loaded.result.shape == loaded.paste.original.shape == (3, 4100, 4000)


def test_other_formats_are_named():
    with pytest.raises(ZooError, match="format 2"):
        EditFile.from_bytes(with_json(format=2), "The file")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ZooError, match=rf"{tmp_path}/edit\.zip"):
        EditFile.load(tmp_path / "edit.zip")


def test_only_a_method_of_the_same_codes_classes_and_size_fits(small):
    edit = edit_of(small("clvae"))
    with pytest.raises(ZooError, match=r"clvae at 64x64 .*\(groupdnet, 6 cl"):
        edit.reproduce(small("groupdnet"))
    parts = {"codes": edit.codes, "result": edit.result, "method": "clvae"}
    for mask in (edit.mask[:32], torch.full(SIZE, 6)):
        with pytest.raises(ZooError, match="abababababab"):
            plain(mask=mask, **parts).reproduce(small("clvae"))


def test_another_training_of_the_same_shape_is_told_apart_by_its_digest(small):
    edit = edit_of(small("clvae"))
    edit.check(small("clvae"), "ab" * 32)
    with pytest.raises(ZooError, match="checkpoint"):
        edit.check(small("clvae"), "cd" * 32)
