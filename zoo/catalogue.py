"""What `zoo list` shows: one plain dictionary per method, dataset and profile."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from zoo.config import profiles
from zoo.config.read import CONFIGS
from zoo.plugins import card
from zoo.registry import DATASETS, METHODS, TABLES


def method_rows() -> list[dict[str, Any]]:
    """Name, paper, codes, datasets and licences of every registered method; "-" where a plugin has no card."""
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
    """Name, classes, size and origin of every registered dataset."""
    rows = []
    for name in DATASETS.names():
        cls = DATASETS.get(name)
        classes, size = getattr(cls, "classes", None), getattr(cls, "default_size", None)
        rows.append(
            {
                "dataset": name,
                "classes": classes if isinstance(classes, int) else "data.classes",
                "size (H x W)": f"{size[0]} x {size[1]}" if size else "data.size",
                "source": getattr(cls, "source", "-"),
            }
        )
    return rows


def profile_rows() -> list[dict[str, Any]]:
    """Name of every profile and what its file says of it."""
    rows = []
    for name in profiles():
        lines = (CONFIGS / "profiles" / f"{name}.yaml").read_text().splitlines()
        opening = takewhile(lambda line: line.startswith("#"), lines)
        comment = [line.removeprefix("#").strip() for line in opening]
        rows.append(
            {"profile": name, "for": " ".join(line for line in comment if line and not line.startswith("zoo "))}
        )
    return rows


def table_rows() -> list[dict[str, Any]]:
    """Name, title, dataset, metrics and rows of every table that an installed package brings."""
    return [TABLES.get(name)() for name in TABLES.names()]
