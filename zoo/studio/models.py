"""The checkpoints loaded in the studio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.codes import Codes
from zoo.config import is_toy
from zoo.editing.loaded_method import LoadedMethod
from zoo.errors import ZooError

MOST_CLASSES = 256
"""Maximum number of classes in an 8-bit mask."""


@dataclass(frozen=True)
class StudioModel(LoadedMethod):
    """A loaded method with an id and a title for the page.

    Attributes:
        suffix: Suffix of the title, to distinguish models of the same kind.
    """

    suffix: str = ""

    @property
    def id(self) -> str:
        """The beginning of the checkpoint's SHA-256."""
        return self.digest[:12]

    @property
    def title(self) -> str:
        """Method, dataset and size."""
        height, width = self.size
        return f"{self.method.name} · {self.config.data['name'] or 'own data'} · {height}x{width}{self.suffix}"

    def classes(self, ids: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """Check class ids of a request. Raises ZooError for one that is no class."""
        if any(i >= len(self.table) for i in ids or ()):
            raise ZooError(f"There is no class {max(ids or ())}: ids go from 0 to {len(self.table) - 1}.")
        return ids

    def facts(self) -> dict[str, Any]:
        """Description of the model for the page, as JSON values."""
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
            "toy": is_toy(self.config.profile),
            "classes": [{"id": i, "name": name, "colour": colour} for i, (name, colour) in enumerate(named)],
            "by_class": any(spec.axis("class") for spec in specs.values()),
            "layers": codes.layers,
            # without layers there are no other codes than those of the whole picture
            "whole": bool(codes.layers and codes.global_names),
            "encodes": self.method.encoder is not None,
            "codes": bool(specs),
        }


def load_all(paths: Sequence[Path], *, device: str = "auto", names: str | None = None) -> list[StudioModel]:
    """Load checkpoints, each once; if titles are equal, the folder of the checkpoint is appended.

    Raises:
        ZooError: As :meth:`LoadedMethod.load`, and for more than 256 classes.
    """
    loaded: dict[str, StudioModel] = {}
    for path in paths:
        model = StudioModel.load(path, device=device, names=names)
        if len(model.table) > MOST_CLASSES:
            raise ZooError(
                f"{path} has {len(model.table)} classes, but the masks of the studio hold at most {MOST_CLASSES}: use "
                "`zoo edit` for it."
            )
        loaded[model.digest] = model
    titles = Counter(model.title for model in loaded.values())
    return [
        model if titles[model.title] == 1 else replace(model, suffix=f" · {model.checkpoint.resolve().parent.name}")
        for model in loaded.values()
    ]


def newest_run(folder: Path) -> Path | None:
    """The checkpoint of the newest run below ``folder``, if there is any."""
    found = [path for path in folder.glob("runs/*/latest.pth") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
