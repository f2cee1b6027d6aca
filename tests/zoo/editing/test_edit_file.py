"""The file that reproduces an edit: the same picture again, and nothing read that it should not be."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load

from zoo import ZooError
from zoo.contract import small_batch, small_method
from zoo.editing.edit_file import EditFile
from zoo.editing.encoding import codes_of
from zoo.visual import to_pixels


@pytest.fixture(scope="module")
def method():
    return small_method("clvae")


@pytest.fixture(scope="module")
def edit(method):
    batch = small_batch()
    image, label = batch.image[:1], batch.label[:1]
    codes = codes_of(method, image, label)
    return EditFile(
        label[0], codes, to_pixels(method.synthesize(label, codes))[0], "ab" * 32, "clvae", {"pasted": False}
    )


def repacked(content: bytes, **changed: bytes) -> bytes:
    """The ZIP with some members replaced; ``edit_json`` stands for edit.json."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name.replace(".", "_"), old.read(name)))
    return file.getvalue()


def test_the_same_picture_comes_back(method, edit, tmp_path):
    edit.save(tmp_path / "edit.zip")
    again = EditFile.load(tmp_path / "edit.zip")
    assert torch.equal(to_pixels(again.reproduce(method))[0], edit.result) and torch.equal(again.result, edit.result)
    assert torch.equal(again.mask, edit.mask) and again.facts == {"pasted": False}
    assert [path.name for path in tmp_path.iterdir()] == ["edit.zip"]
    assert edit.to_bytes() == edit.to_bytes() == again.to_bytes()


def test_everything_in_it_opens_with_other_tools(edit):
    with zipfile.ZipFile(io.BytesIO(edit.to_bytes())) as archive:
        mask, result = (np.array(Image.open(archive.open(f"{name}.png"))) for name in ("mask", "result"))
        codes, about = load(archive.read("codes.safetensors")), json.loads(archive.read("edit.json"))
    assert np.array_equal(mask, edit.mask.numpy()) and mask.dtype == np.uint8
    assert np.array_equal(result, edit.result.permute(1, 2, 0).numpy())
    assert torch.equal(codes["local"], edit.codes["local"]) and about["checkpoint"] == "ab" * 32


def test_other_files_are_refused_in_a_sentence(edit, tmp_path):
    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    content = edit.to_bytes()
    about = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("edit.json"))
    big = io.BytesIO()
    Image.new("RGB", (5000, 5000)).save(big, "PNG")
    wrong = {
        "pickle": pickle.dumps(Harm()),
        "pickled codes": repacked(content, codes_safetensors=pickle.dumps(Harm())),
        "cut off": content[: len(content) // 2],
        "empty": b"",
        "no json": repacked(content, edit_json=b"[1, 2"),
        "json of something else": repacked(content, edit_json=b"[]"),
        "huge picture": repacked(content, result_png=big.getvalue()),
        "bomb": repacked(content, codes_safetensors=bytes(300 * 2**20)),
        "codes of other shapes": repacked(
            content, edit_json=json.dumps(about | {"codes": {"global": about["codes"]["global"]}}).encode()
        ),
    }
    with zipfile.ZipFile(more := io.BytesIO(content), "a") as archive:
        archive.writestr("../outside.txt", "no")
    wrong["another member"] = more.getvalue()
    for kind, bad in wrong.items():
        with pytest.raises(ZooError, match=f"{kind} is no edit of the zoo"):
            EditFile.from_bytes(bad, kind)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ZooError, match="another version"):
        EditFile.from_bytes(repacked(content, edit_json=json.dumps(about | {"format": 2}).encode()), "my.zip")
    with pytest.raises(ZooError, match="There is no file"):
        EditFile.load(tmp_path / "absent.zip")


def test_another_method_is_refused(edit):
    with pytest.raises(ZooError, match=r"made with clvae at 64x64 and does not fit .*groupdnet.*abababababab"):
        edit.reproduce(small_method("groupdnet"))
