"""The rows of `zoo list`, as plain dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Any, TypedDict

from zoo.config import profile, profiles
from zoo.config.read import read_yaml
from zoo.config.values import check_struct
from zoo.plugins import home
from zoo.registries import CALLBACKS, DATASETS, METHODS, METRICS, TABLES


class Card(TypedDict, total=False):
    """A plugin's ``card.yaml``: the paper of its method, and licences."""

    title: str
    paper: str
    authors: str | list[str]
    year: int
    code_licence: str
    weights_licence: str
    official: str
    datasets: list[str]
    codes: str | list[str]
    notes: str


def card(name: str) -> dict[str, Any]:
    """The card of a method; empty if its plugin has none.

    Raises:
        ZooError: The method or a field of the card is unknown.
    """
    folder = home(METHODS.get(name))
    path = None if folder is None else folder / "card.yaml"
    if path is None or not path.is_file():
        return {}
    return check_struct(read_yaml(path), Card, "", lambda key: str(path))


def method_rows() -> list[dict[str, Any]]:
    """Name, paper, codes, datasets and licence of the released weights of every method; "-" without a card."""
    rows = []
    for name in METHODS.names():
        about = card(name)
        paper = f"{about['paper']} ({about['authors']}, {about['year']})" if "paper" in about else "-"
        rows.append(
            {
                "method": name,
                "paper": paper,
                "codes": about.get("codes", "-"),
                "datasets": about.get("datasets", []),
                "released weights": about.get("weights_licence", "-"),
            }
        )
    return rows


def dataset_rows() -> list[dict[str, Any]]:
    """Name, title, classes, size, stand-in and source of every dataset."""
    rows = []
    for name in DATASETS.names():
        cls = DATASETS.get(name)
        classes, size = getattr(cls, "classes", None), getattr(cls, "default_size", None)
        rows.append(
            {
                "dataset": name,
                "title": getattr(cls, "title", None) or name,
                "classes": classes if isinstance(classes, int) else "data.classes",
                "size (H x W)": f"{size[0]} x {size[1]}" if size else "data.size",
                "stand-in": getattr(cls, "standin", None) or "-",
                "source": getattr(cls, "source", "-"),
            }
        )
    return rows


def metric_rows() -> list[dict[str, Any]]:
    """Name, title, direction and required pictures of every metric."""
    return [
        {"metric": name, "title": cls.title, "better": cls.better, "needs": cls.needs()}
        for name, cls in ((name, METRICS.get(name)) for name in METRICS.names())
    ]


def profile_rows() -> list[dict[str, Any]]:
    """Name and description of every profile, and whether it is a toy."""
    found = [profile(name) for name in profiles()]
    return [{"profile": p.name, "toy": p.toy, "for": p.description} for p in found]


def table_rows() -> list[dict[str, Any]]:
    """Name, title, dataset, metrics and rows of every table in installed packages."""
    return [TABLES.get(name)() for name in TABLES.names()]


def callback_rows() -> list[dict[str, Any]]:
    """Name and summary of every registered callback; the zoo itself registers none."""
    found = {name: cleandoc(CALLBACKS.get(name).__doc__ or "-") for name in CALLBACKS.names()}
    return [{"callback": name, "about": text.splitlines()[0]} for name, text in found.items()]


ROWS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "methods": method_rows,
    "datasets": dataset_rows,
    "metrics": metric_rows,
    "tables": table_rows,
    "profiles": profile_rows,
    "callbacks": callback_rows,
}
"""The rows of each kind, by the argument of `zoo list`."""
