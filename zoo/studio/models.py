"""Checkpoints as the page sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from zoo import checkpoints
from zoo.codes import Codes
from zoo.config import Config
from zoo.data.class_tables import ClassTable, shipped_table
from zoo.distributed import start
from zoo.editing.encoding import table_of
from zoo.errors import ZooError
from zoo.factory import load
from zoo.interfaces import Method

TOY = "smoke"
"""The profile whose models only show that everything runs."""

MOST_CLASSES = 256
"""What a mask of 8 bits can hold."""


@dataclass(frozen=True)
class StudioModel:
    """A trained method in eval mode on its device, with the names and colours of its classes.

    id: the beginning of ``digest``, the SHA-256 of the checkpoint.
    """

    method: Method
    table: ClassTable
    device: torch.device
    digest: str
    title: str

    @classmethod
    def load(cls, checkpoint: Path, *, device: str = "auto", names: str | None = None) -> StudioModel:
        """Raises ZooError as :func:`zoo.load` and :func:`shipped_table` do, and for more than 256 classes."""
        where = start(device)
        method = load(checkpoint, device=where)
        config = config_of(method)
        table = table_of(method) if names is None else shipped_table(names, config.data["classes"])
        if len(table) > MOST_CLASSES:
            raise ZooError(
                f"{checkpoint} has {len(table)} classes, but the masks of the studio hold {MOST_CLASSES}: use `zoo "
                "edit` for it."
            )
        return cls(method, table, where, checkpoints.digest(checkpoint), _title(method, config))

    @property
    def id(self) -> str:
        return self.digest[:12]

    @property
    def size(self) -> tuple[int, int]:
        height, width = config_of(self.method).data["size"]
        return height, width

    def classes(self, ids: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """The ids of a request as they are. Raises ZooError for one that is no class."""
        if any(i >= len(self.table) for i in ids or ()):
            raise ZooError(f"There is no class {max(ids or ())}: ids go from 0 to {len(self.table) - 1}.")
        return ids

    def facts(self) -> dict[str, Any]:
        """What the page needs to know, as plain values."""
        height, width = self.size
        specs = self.method.code_specs
        codes = Codes.normal(specs, 1)
        colours = ("#{:02x}{:02x}{:02x}".format(*colour) for colour in self.table.colours)
        named = zip(self.table.names, colours, strict=True)
        return {
            "id": self.id,
            "method": self.method.name,
            "title": self.title,
            "height": height,
            "width": width,
            "toy": config_of(self.method).profile == TOY,
            "classes": [{"id": i, "name": name, "colour": colour} for i, (name, colour) in enumerate(named)],
            "by_class": any(spec.axis("class") for spec in specs.values()),
            "layers": codes.layers,
            # without layers the codes of the whole picture are all there are
            "whole": bool(codes.layers and codes.whole),
            "encodes": self.method.encoder is not None,
            "codes": bool(specs),
        }


def config_of(method: Method) -> Config:
    assert method.config is not None, "the method comes from a checkpoint"
    return method.config


def load_all(paths: Sequence[Path], *, device: str = "auto", names: str | None = None) -> list[StudioModel]:
    """The models of checkpoints, each once; equal titles are told apart by the folders of the checkpoints."""
    loaded = {
        model.digest: (model, path) for path in paths for model in [StudioModel.load(path, device=device, names=names)]
    }
    titles = Counter(model.title for model, _ in loaded.values())
    return [
        model if titles[model.title] == 1 else replace(model, title=f"{model.title} · {path.resolve().parent.name}")
        for model, path in loaded.values()
    ]


def newest_run(folder: Path) -> Path | None:
    """The checkpoint of the newest run below ``folder``, if there is any."""
    found = [path for path in folder.glob("runs/*/latest.pth") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _title(method: Method, config: Config) -> str:
    height, width = config.data["size"]
    return f"{method.name} · {config.data['name'] or 'own data'} · {height}x{width}"
