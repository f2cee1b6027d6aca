"""The codes of a whole dataset: gathered a few pictures at a time, and what a file of them remembers of its origin.

Letters: B batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version

from torch import Tensor

from zoo.codes import Codes, CodeSpec
from zoo.data import PairedDataset, collate
from zoo.distributed import evaluating
from zoo.editing.directions import vector_axes
from zoo.editing.encoding import check_editable, shown
from zoo.errors import ZooError
from zoo.interfaces import Batch, Method


@dataclass(frozen=True)
class Origin:
    """Whose codes they are: method, SHA-256 of its checkpoint ("" where it has none), dataset, number of pictures."""

    method: str
    checkpoint: str
    specs: Mapping[str, CodeSpec]
    dataset: str
    split: str
    pictures: int
    zoo: str

    @classmethod
    def of(cls, method: Method, dataset: PairedDataset, limit: int | None, checkpoint: str) -> Origin:
        count = len(dataset) if limit is None else min(limit, len(dataset))
        specs = dict(method.code_specs)
        return cls(method.name, checkpoint, specs, dataset.name, dataset.split, count, version("zoo-smis"))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Origin:
        """Raises ValueError, TypeError or KeyError for any other text."""
        content = json.loads(text)
        specs = {name: CodeSpec(tuple(s["shape"]), tuple(s["axes"])) for name, s in content["specs"].items()}
        return cls(**{**content, "specs": specs})

    def check(self, method: Method, file: str, checkpoint: str = "") -> None:
        """Raises ZooError for a method that has other codes than those in ``file``.

        Two trainings of one method give codes of one shape and of different meaning, so ``checkpoint``, the SHA-256 of
        the method's own, must be that of the file where both are known.
        """
        if (method.name, dict(method.code_specs)) != (self.method, self.specs):
            raise ZooError(
                f"{file} holds codes of {self.method} ({_listed(self.specs)}), but the checkpoint is of {method.name} "
                f"({_listed(method.code_specs)}): give a file that was made with this checkpoint."
            )
        if checkpoint and self.checkpoint and checkpoint != self.checkpoint:
            raise ZooError(
                f"{file} holds codes of another training of {self.method} (SHA-256 {self.checkpoint[:12]}, the "
                f"checkpoint has {checkpoint[:12]}), which mean something else: make the file anew with this one."
            )


def _listed(specs: Mapping[str, CodeSpec]) -> str:
    return ", ".join(f"{name} {list(spec.shape)}" for name, spec in specs.items()) or "no codes"


def encoded(
    method: Method,
    dataset: PairedDataset,
    *,
    limit: int | None = None,
    batch: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[Batch, Codes, dict[str, Tensor]]]:
    """The first ``limit`` pictures, ``batch`` at a time, with the means of their posteriors, all on the CPU.

    The third part says which vectors the pictures show: bool of the shape of each code, with axes of length 1 for those
    that make up a vector.

    Raises ZooError for a method without codes or without an encoder.
    """
    check_editable(method)
    device = next(method.parameters()).device
    count = len(dataset) if limit is None else min(limit, len(dataset))
    for first in range(0, count, batch):
        last = min(first + batch, count)
        pictures = collate([dataset[i] for i in range(first, last)])
        there = pictures.to(device)
        with evaluating(method):
            posterior = method.encode(there.image, there.label)
        masks = shown(posterior, there.label)
        yield (
            pictures,
            posterior.mu.to("cpu"),
            {name: _by_vector(masks[name], posterior.mu[name], posterior.mu.specs[name]).cpu() for name in masks},
        )
        if progress is not None:
            progress(last, count)


def _by_vector(mask: Tensor, code: Tensor, spec: CodeSpec) -> Tensor:
    """A mask that broadcasts to a code, as one entry for each of its vectors."""
    mask = mask.expand_as(code)
    for axis in vector_axes(spec):
        mask = mask.all(axis, keepdim=True)
    return mask
