"""How a picture comes into the studio, and leaves it: uploads, examples, downloads."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.editing.edit_file import EditFile
from zoo.editing.encoding import codes_of
from zoo.editing.reading import pair, read_mask, read_picture
from zoo.errors import ZooError
from zoo.studio.fields import Fields
from zoo.studio.models import StudioModel
from zoo.studio.scene import OpenedPicture, Paste, Scene
from zoo.studio.session import Session
from zoo.studio.uploads import Form
from zoo.studio.wire import mask_text, picture_uri
from zoo.visual import to_pixels


def open_picture(session: Session, form: Form) -> dict[str, Any]:
    """An example, or a mask with or without its picture.

    The codes are those of the picture where there is one and the method has an encoder, else they are drawn.
    """
    model = session.model(form.fields.text("model"))
    seed = form.fields.whole("seed")
    image, label = _given(session, model, form)
    there = label.to(model.device)
    if image is None or model.method.encoder is None:
        codes = model.method.sample(there, 1, seed=seed)
    else:
        codes = codes_of(model.method, image.to(model.device), there, seed=seed)
    opened = None if image is None else OpenedPicture(to_pixels(image[0]), label)
    return _opened(session, Scene(model, there, codes), opened)


def uploaded(session: Session, model: StudioModel, form: Form) -> tuple[Tensor | None, Tensor]:
    """Image ``[1, 3, H, W]``, if one was sent, and label ``[1, H, W]`` of a form, at the size of the model."""
    most = session.limits.pixels
    mask, picture = form.file("mask"), form.files.get("picture")
    label = read_mask(mask.content, model.table, name=mask.name, max_pixels=most)
    image = None if picture is None else read_picture(picture.content, name=picture.name, max_pixels=most)
    return pair(image, label, model.size)


def _given(session: Session, model: StudioModel, form: Form) -> tuple[Tensor | None, Tensor]:
    if form.fields.has("example"):
        return session.example(form.fields.text("example")).at(model)
    return uploaded(session, model, form)


def download(session: Session, fields: Fields) -> bytes:
    """The file that reproduces a scene."""
    scene = session.scene(fields)
    edit = EditFile(
        mask=scene.label[0].cpu(),
        codes=scene.codes.to("cpu"),
        result=scene.pictures()[0],
        checkpoint=scene.model.digest,
        method=scene.model.method.name,
        paste=scene.pasted_back,
    )
    return edit.to_bytes()


def reload(session: Session, form: Form) -> dict[str, Any]:
    """What :func:`download` gave, opened again by the model of the same checkpoint.

    Raises ZooError for any other file, and where that checkpoint is not loaded.
    """
    file = form.file("file")
    edit = EditFile.from_bytes(file.content, f"The file {file.name}")
    model = next((model for model in session.models.values() if model.digest == edit.checkpoint), None)
    if model is None:
        raise ZooError(
            f"The file {file.name} was made by {edit.method} with a checkpoint that is not open here (SHA-256 "
            f"{edit.checkpoint[:12]}): start the studio with it."
        )
    edit.check(model.method, model.digest)
    label, opened, paste = edit.mask[None], None, None
    if edit.paste is not None:
        # of no class where the edit shows: so its region is that of the paste again, whatever is painted later
        outside = torch.where(edit.paste.region, torch.full_like(label, -1), label)
        opened = OpenedPicture(edit.paste.original, outside)
        paste = Paste(opened, (), edit.paste.feather)
    scene = Scene(model, label.to(model.device), edit.codes.to(model.device), paste)
    return _opened(session, scene, opened) | {"model": model.id, "keep": paste is not None}


def _opened(session: Session, scene: Scene, opened: OpenedPicture | None) -> dict[str, Any]:
    return {
        "mask": mask_text(scene.label[0]),
        "picture": None if opened is None else picture_uri(opened.pixels),
        "opened": None if opened is None else session.store.put(opened),
        "codes": session.keep(scene.model, scene.codes),
        "result": picture_uri(scene.pictures()[0]),
    }
