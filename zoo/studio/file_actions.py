"""The page's actions on files: open uploads, examples and edit files, download results and edit files."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from torch import Tensor

from zoo.data.reading import pair, read_mask, read_picture, unresized
from zoo.editing.edit_file import EditFile
from zoo.editing.encoding import codes_of
from zoo.editing.masks import resized
from zoo.editing.pasting import PasteBack
from zoo.errors import ZooError
from zoo.studio.models import StudioModel
from zoo.studio.requests import Fields, Form
from zoo.studio.scene import Paste, Scene
from zoo.studio.store import UNKNOWN, OpenedPicture
from zoo.studio.studio_state import StudioState
from zoo.studio.wire import mask_text, picture_uri, png
from zoo.visual import to_uint8


def open_picture(state: StudioState, form: Form) -> dict[str, Any]:
    """Open an example, or an uploaded mask with or without its picture.

    The codes are those of the picture if there is one and the method has an encoder; otherwise they are drawn.
    """
    model = state.model(form.fields.text("model"))
    seed = form.fields.whole("seed")
    picture, mask = _given(state, model, form)
    image, label = pair(picture, mask, model.size)
    there = label.to(model.device)
    if image is None or model.method.encoder is None:
        codes = model.method.sample(there, 1, seed=seed)
    else:
        codes = codes_of(model.method, image.to(model.device), there, seed=seed)
    opened = None
    if picture is not None and image is not None:
        original, original_label = unresized(picture, mask)
        opened = OpenedPicture(to_uint8(image[0]), label, original, original_label.to(torch.int16))
    return _opened(state, Scene(model, there, codes), opened)


def uploaded(state: StudioState, model: StudioModel, form: Form) -> tuple[Image.Image | None, Image.Image]:
    """Read the uploaded picture, if any, and mask, as :func:`zoo.data.reading.pair` takes them."""
    most = state.limits.pixels
    mask, picture = form.file("mask"), form.files.get("picture")
    label = read_mask(mask.content, model.table, name=mask.name, max_pixels=most)
    image = None if picture is None else read_picture(picture.content, name=picture.name, max_pixels=most)
    return image, label


def _given(state: StudioState, model: StudioModel, form: Form) -> tuple[Image.Image | None, Image.Image]:
    if form.fields.has("example"):
        return state.example(form.fields.text("example")).opened(model)
    return uploaded(state, model, form)


def download(state: StudioState, fields: Fields) -> bytes:
    """The edit file of a scene."""
    return state.scene(fields).edit().to_bytes()


def result(state: StudioState, fields: Fields) -> bytes:
    """The picture of a scene as PNG, pasted back at the size of the opened file."""
    return png(state.scene(fields).edit().result)


def reload(state: StudioState, form: Form) -> dict[str, Any]:
    """Open an edit file with the model of the same checkpoint.

    Raises:
        ZooError: If the file is not an edit file, or its checkpoint is not loaded.
    """
    file = form.file("file")
    edit = EditFile.from_bytes(file.content, f"The file {file.name}")
    model = next((model for model in state.models.values() if model.digest == edit.checkpoint), None)
    if model is None:
        raise ZooError(
            f"The file {file.name} was made by {edit.method} with a checkpoint that is not loaded (SHA-256 "
            f"{edit.checkpoint[:12]}): start the studio with it."
        )
    edit.check(model.method, model.digest)
    label, opened, paste = edit.mask[None], None, None
    if edit.paste is not None:
        opened = _reopened(edit.mask, edit.paste, model.size)
        paste = Paste(opened, (), edit.paste.feather)
    scene = Scene(model, label.to(model.device), edit.codes.to(model.device), paste)
    return _opened(state, scene, opened) | {"model": model.id, "keep": paste is not None}


def _reopened(mask: Tensor, paste: PasteBack, size: tuple[int, int]) -> OpenedPicture:
    """The original of an edit, of class UNKNOWN in the region of the edit, which then shows there again."""
    picture = Image.fromarray(paste.original.permute(1, 2, 0).contiguous().numpy())
    image, inside = pair(picture, Image.fromarray(paste.region.byte().numpy()), size)
    assert image is not None, "a picture was given"
    own = resized(mask, (picture.height, picture.width)).to(torch.int16)
    return OpenedPicture(
        to_uint8(image[0]),
        torch.where(inside > 0, UNKNOWN, mask),
        paste.original,
        torch.where(paste.region, UNKNOWN, own)[None],
    )


def _opened(state: StudioState, scene: Scene, opened: OpenedPicture | None) -> dict[str, Any]:
    return {
        "mask": mask_text(scene.label[0]),
        "picture": None if opened is None else picture_uri(opened.pixels),
        "opened": None if opened is None else state.store.put(opened),
        "original": None if opened is None else list(opened.original.shape[1:]),
        "codes": state.keep(scene.model, scene.codes),
        "result": picture_uri(scene.pictures()[0]),
    }
