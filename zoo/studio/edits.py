"""What the page can do to a scene."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zoo.codes import Codes
from zoo.editing.directions import moved, random_direction
from zoo.editing.encoding import check_editable
from zoo.editing.masks import resized
from zoo.editing.objects import redrawn
from zoo.editing.reading import pair
from zoo.editing.style import Target, taken
from zoo.editing.synthesis import pictures
from zoo.errors import ZooError
from zoo.studio.fields import Fields
from zoo.studio.models import StudioModel
from zoo.studio.opening import uploaded
from zoo.studio.scene import Scene
from zoo.studio.session import PREVIEWS, Session
from zoo.studio.uploads import Form
from zoo.studio.wire import data_uri, picture_uri

MOST_ROWS = 100
LARGEST_AMOUNT = 100.0
"""Standard deviations."""


def render(session: Session, fields: Fields) -> dict[str, Any]:
    """The mask with the codes as they are."""
    return {"result": picture_uri(session.scene(fields).pictures()[0])}


def samples(session: Session, fields: Fields) -> dict[str, Any]:
    """All codes drawn anew."""
    scene = session.scene(fields)
    check_editable(scene.model.method)
    drawn = scene.model.method.sample(scene.label, PREVIEWS, seed=fields.whole("seed"))
    return _previews(session, scene, drawn)


def redraw(session: Session, fields: Fields) -> dict[str, Any]:
    """Some classes and layers drawn anew, all others kept."""
    scene = session.scene(fields)
    check_editable(scene.model.method)
    method, seed = scene.model.method, fields.whole("seed")
    drawn = redrawn(method, scene.label, scene.codes, **_part(scene, fields), samples=PREVIEWS, seed=seed)
    return _previews(session, scene, drawn)


def take(session: Session, form: Form) -> dict[str, Any]:
    """Codes from a reference: a picture with its mask, or a row of the code bank."""
    fields = form.fields
    scene = session.scene(fields)
    part, strength = _part(scene, fields), fields.number("strength", least=0, most=1)
    if fields.has("row"):
        codes = scene.codes.towards(_from_bank(session, scene, fields.whole("row"), **part), strength)
    else:
        image, label = pair(*uploaded(session, scene.model, form), scene.model.size)
        if image is None:
            raise ZooError("A reference is a picture with its mask: choose both files, or a row of the code bank.")
        target = Target(image.to(scene.model.device), label.to(scene.model.device), part["classes"])
        layers = part["layers"]
        codes = taken(scene.model.method, scene.codes, scene.label, target, layers=layers, strength=strength)
    return _changed(session, scene, codes)


def move(session: Session, fields: Fields) -> dict[str, Any]:
    """Codes along a random or a principal direction."""
    scene = session.scene(fields)
    check_editable(scene.model.method)
    direction = fields.fields("direction")
    kind = direction.text("kind")
    if kind == "random":
        along = random_direction(scene.model.method.code_specs, seed=direction.whole("seed"))
    elif kind == "principal":
        along = _principal(session, scene.model, direction.whole("component", least=1))
    else:
        raise ZooError(f"There is no direction {json.dumps(kind[:40])}: the kinds are random and principal.")
    amount = fields.number("amount", least=-LARGEST_AMOUNT, most=LARGEST_AMOUNT)
    codes = moved(scene.codes, along.to(scene.model.device), amount, **_part(scene, fields))
    return _changed(session, scene, codes)


def compare(session: Session, fields: Fields) -> dict[str, Any]:
    """The mask painted by every model that is loaded, each with codes drawn from the same seed."""
    scene, seed = session.scene(fields), fields.whole("seed")
    return {"results": [_compared(scene, model, seed) for model in session.models.values()]}


def bank_rows(session: Session, query: Mapping[str, str]) -> dict[str, Any]:
    """Rows of a class of the code bank, with their thumbnails."""
    if session.bank is None:
        raise ZooError("The studio was started without a code bank: give it --bank, a file of `zoo codes extract`.")
    given = {"limit": "10"} | dict(query)
    numbers = {
        key: int(value) for key, value in given.items() if value.removeprefix("-").isdecimal() and len(value) < 9
    }
    fields = Fields(numbers, "The query")
    limit = fields.whole("limit", least=1, most=MOST_ROWS)
    rows = session.bank.find(fields.whole("class", least=-1), limit=limit, diverse=bool(numbers.get("diverse")))
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


def _part(scene: Scene, fields: Fields) -> dict[str, tuple[int, ...] | None]:
    """The part of the codes that a request names, as :meth:`Codes.part` takes it."""
    return {"classes": scene.model.classes(fields.indices("classes")), "layers": fields.indices("layers")}


def _from_bank(
    session: Session, scene: Scene, number: int, *, classes: tuple[int, ...] | None, layers: tuple[int, ...] | None
) -> Codes:
    if session.bank is None:
        raise ZooError("The studio was started without a code bank: give it --bank, a file of `zoo codes extract`.")
    session.bank.check(scene.model.method, scene.model.digest)
    row = session.bank.row(number)
    if classes is not None and row.class_id not in classes:
        raise ZooError(
            f"This row of the code bank is of the class {row.class_name}, but {scene.model.table.listed(classes)} is "
            "to be changed: choose a row of that class."
        )
    return session.bank.put(scene.codes, row, layers=layers)


def _principal(session: Session, model: StudioModel, component: int) -> Codes:
    if session.statistics is None:
        raise ZooError("Principal directions need statistics: start the studio with --statistics, see `zoo codes fit`.")
    session.statistics.check(model.method, model.digest)
    return session.statistics.principal(component - 1)


def _compared(scene: Scene, model: StudioModel, seed: int) -> dict[str, Any]:
    answer = {"model": model.id, "title": model.title, "result": None, "note": None}
    if model.table.names != scene.model.table.names:
        return answer | {"note": f"{model.title} has other classes, so this mask means nothing to it."}
    label = resized(scene.label[0], model.size)[None]
    drawn = pictures(model.method, label, model.method.sample(label, 1, seed=seed))
    note = None if model.method.code_specs else "One picture for each mask: it has no codes."
    return answer | {"result": picture_uri(drawn[0]), "note": note}


def _previews(session: Session, scene: Scene, codes: Codes) -> dict[str, Any]:
    shown = scene.pictures(codes)
    return {
        "previews": [
            {"codes": session.keep(scene.model, codes.rows([row])), "result": picture_uri(pixels)}
            for row, pixels in enumerate(shown)
        ]
    }


def _changed(session: Session, scene: Scene, codes: Codes) -> dict[str, Any]:
    return {"codes": session.keep(scene.model, codes), "result": picture_uri(scene.pictures(codes)[0])}
