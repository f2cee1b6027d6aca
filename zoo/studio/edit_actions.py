"""Edit actions of the page: each takes a scene and returns pictures and handles of codes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zoo.codes import Codes
from zoo.data.reading import pair
from zoo.editing.bank import CodeBank
from zoo.editing.bank_row import BankRow
from zoo.editing.directions import random_direction
from zoo.editing.edits import Target, edit_material, edit_object
from zoo.editing.encoding import check_editable, render
from zoo.editing.masks import resized
from zoo.errors import ZooError
from zoo.studio.file_actions import uploaded
from zoo.studio.models import StudioModel
from zoo.studio.requests import Fields, Form
from zoo.studio.scene import Scene
from zoo.studio.studio_state import PREVIEWS, StudioState
from zoo.studio.wire import data_uri, picture_uri

MOST_ROWS = 100
LARGEST_AMOUNT = 100.0
"""Standard deviations."""


def draw(state: StudioState, fields: Fields) -> dict[str, Any]:
    """Synthesise the mask with the current codes."""
    return {"result": picture_uri(state.scene(fields).pictures()[0])}


def samples(state: StudioState, fields: Fields) -> dict[str, Any]:
    """Draw all codes from the prior."""
    scene = state.scene(fields)
    check_editable(scene.model.method)
    drawn = scene.model.method.sample(scene.label, PREVIEWS, seed=fields.whole("seed"))
    return _previews(state, scene, drawn)


def redraw(state: StudioState, fields: Fields) -> dict[str, Any]:
    """Sample the codes of some classes and layers from the prior, and keep all others."""
    scene = state.scene(fields)
    check_editable(scene.model.method)
    method, seed = scene.model.method, fields.whole("seed")
    classes, layers = _part(scene, fields)
    drawn = edit_object(method, scene.label, scene.codes, classes=classes, layers=layers, samples=PREVIEWS, seed=seed)
    return _previews(state, scene, drawn)


def take(state: StudioState, form: Form) -> dict[str, Any]:
    """Take codes from a reference: a picture with its mask, or a row of the code bank."""
    fields = form.fields
    scene = state.scene(fields)
    classes, layers = _part(scene, fields)
    strength = fields.number("strength", least=0, most=1)
    source: Target | BankRow
    if fields.has("row"):
        bank = _bank(state)
        bank.check(scene.model.method, scene.model.digest)
        source = bank.row(fields.whole("row"))
    else:
        image, label = pair(*uploaded(state, scene.model, form), scene.model.size)
        if image is None:
            raise ZooError("A reference is a picture with its mask: choose both files, or a row of the code bank.")
        source = Target(image.to(scene.model.device), label.to(scene.model.device))
    codes = edit_object(
        scene.model.method, scene.label, scene.codes, source, classes=classes, layers=layers, strength=strength
    )
    return _changed(state, scene, codes)


def move(state: StudioState, fields: Fields) -> dict[str, Any]:
    """Move codes along a random or a principal direction."""
    scene = state.scene(fields)
    check_editable(scene.model.method)
    direction = fields.fields("direction")
    kind = direction.text("kind")
    if kind == "random":
        along = random_direction(scene.model.method.code_specs, seed=direction.whole("seed"))
    elif kind == "principal":
        along = _principal(state, scene.model, direction.whole("component", least=1))
    else:
        raise ZooError(f"There is no direction {json.dumps(kind[:40])}: the kinds are random and principal.")
    amount = fields.number("amount", least=-LARGEST_AMOUNT, most=LARGEST_AMOUNT)
    classes, layers = _part(scene, fields)
    codes = edit_material(scene.codes, along.to(scene.model.device), amount, classes=classes, layers=layers)
    return _changed(state, scene, codes)


def compare(state: StudioState, fields: Fields) -> dict[str, Any]:
    """Synthesise the mask with every loaded model, with codes of the same seed."""
    scene, seed = state.scene(fields), fields.whole("seed")
    return {"results": [_compared(scene, model, seed) for model in state.models.values()]}


def bank_rows(state: StudioState, query: Mapping[str, str]) -> dict[str, Any]:
    """List rows of a class of the code bank, with their thumbnails."""
    bank = _bank(state)
    given = {"limit": "10"} | dict(query)
    numbers = {
        key: int(value) for key, value in given.items() if value.removeprefix("-").isdecimal() and len(value) < 9
    }
    fields = Fields(numbers, "The query")
    limit = fields.whole("limit", least=1, most=MOST_ROWS)
    rows = bank.find(fields.whole("class", least=-1), limit=limit, diverse=bool(numbers.get("diverse")))
    return {
        "rows": [
            {
                "row": row.id,
                "name": row.name,
                "class": row.class_id,
                "share": row.share,
                "picture": data_uri(row.thumbnail),
            }
            for row in rows
        ]
    }


def _part(scene: Scene, fields: Fields) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """The classes and layers that a request names."""
    return scene.model.classes(fields.indices("classes")), fields.indices("layers")


def _bank(state: StudioState) -> CodeBank:
    if state.bank is None:
        raise ZooError(
            "The studio was started without a code bank: give --bank, a file written by `zoo codes extract`."
        )
    return state.bank


def _principal(state: StudioState, model: StudioModel, component: int) -> Codes:
    if state.statistics is None:
        raise ZooError("Principal directions need statistics: start the studio with --statistics, see `zoo codes fit`.")
    state.statistics.check(model.method, model.digest)
    return state.statistics.principal(component - 1)


def _compared(scene: Scene, model: StudioModel, seed: int) -> dict[str, Any]:
    answer = {"model": model.id, "title": model.title, "result": None, "note": None}
    if model.table.names != scene.model.table.names:
        return answer | {"note": f"{model.title} has other classes than this mask."}
    label = resized(scene.label[0], model.size)[None]
    drawn = render(model.method, label, model.method.sample(label, 1, seed=seed))
    note = None if model.method.code_specs else "It has no codes, so it gives one picture for each mask."
    return answer | {"result": picture_uri(drawn[0]), "note": note}


def _previews(state: StudioState, scene: Scene, codes: Codes) -> dict[str, Any]:
    shown = scene.pictures(codes)
    return {
        "previews": [
            {"codes": state.keep(scene.model, codes.rows([row])), "result": picture_uri(pixels)}
            for row, pixels in enumerate(shown)
        ]
    }


def _changed(state: StudioState, scene: Scene, codes: Codes) -> dict[str, Any]:
    return {"codes": state.keep(scene.model, codes), "result": picture_uri(scene.pictures(codes)[0])}
