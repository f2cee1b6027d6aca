"""Encoding of a whole dataset, batch by batch, and provenance of the codes in files.

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
from zoo.distributed import eval_mode
from zoo.editing.directions import vector_axes
from zoo.editing.encoding import check_editable, shown_codes
from zoo.errors import ZooError
from zoo.interfaces import Batch, Method


@dataclass(frozen=True)
class Origin:
    """The provenance of the codes in a file.

    Attributes:
        method: Name of the method.
        checkpoint: SHA-256 of its checkpoint, "" if unknown.
        specs: Its codes.
        dataset: Name of the dataset.
        split: "train" or "test".
        pictures: Number of pictures.
        zoo: Version of the zoo.
    """

    method: str
    checkpoint: str
    specs: Mapping[str, CodeSpec]
    dataset: str
    split: str
    pictures: int
    zoo: str

    @classmethod
    def of(cls, method: Method, dataset: PairedDataset, limit: int | None, checkpoint: str) -> Origin:
        """The origin of codes of the first ``limit`` pictures of a dataset."""
        count = len(dataset) if limit is None else min(limit, len(dataset))
        specs = dict(method.code_specs)
        return cls(method.name, checkpoint, specs, dataset.name, dataset.split, count, version("zoo-smis"))

    def to_json(self) -> str:
        """All fields as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Origin:
        """Parse the output of :meth:`to_json`. Raises ValueError, TypeError or KeyError for anything else."""
        content = json.loads(text)
        specs = {name: CodeSpec(tuple(s["shape"]), tuple(s["axes"])) for name, s in content["specs"].items()}
        return cls(**{**content, "specs": specs})

    def check(self, method: Method, file: str, checkpoint: str = "") -> None:
        """Check that the codes in a file belong to a method.

        Codes of different trainings of the same method have the same shape but different meanings, so the checkpoints
        must be equal if both are known.

        Args:
            method: The method that is to use the codes.
            file: Name of the file in error messages.
            checkpoint: SHA-256 of the method's checkpoint, "" if unknown.

        Raises:
            ZooError: If the method has other codes, or was trained separately.
        """
        if (method.name, dict(method.code_specs)) != (self.method, self.specs):
            raise ZooError(
                f"{file} holds codes of {self.method} ({_listed(self.specs)}), but the checkpoint is of {method.name} "
                f"({_listed(method.code_specs)}): give a file that was created with this checkpoint."
            )
        if checkpoint and self.checkpoint and checkpoint != self.checkpoint:
            raise ZooError(
                f"{file} holds codes of another training of {self.method} (SHA-256 {self.checkpoint[:12]}, the "
                f"given checkpoint has {checkpoint[:12]}), which do not fit: write the file again with this checkpoint."
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
    """Encode a dataset.

    Args:
        method: A method with codes and an encoder.
        dataset: The pictures.
        limit: Use only the first N pictures.
        batch: B, pictures that are encoded together.
        progress: Called with the number of pictures done and their total.

    Yields:
        B pictures, the means of their posteriors, and which vectors of the codes the pictures show: for each code, bool
        of its shape with length 1 along the axes of a vector. All are on the CPU.

    Raises:
        ZooError: If the method has no codes or no encoder.
    """
    check_editable(method)
    device = next(method.parameters()).device
    count = len(dataset) if limit is None else min(limit, len(dataset))
    for first in range(0, count, batch):
        last = min(first + batch, count)
        pictures = collate([dataset[i] for i in range(first, last)])
        inputs = pictures.to(device)
        with eval_mode(method):
            posterior = method.encode(inputs.image, inputs.label)
        masks = shown_codes(posterior, inputs.label)
        yield (
            pictures,
            posterior.mu.to("cpu"),
            {name: _by_vector(masks[name], posterior.mu[name], posterior.mu.specs[name]).cpu() for name in masks},
        )
        if progress is not None:
            progress(last, count)


def _by_vector(mask: Tensor, code: Tensor, spec: CodeSpec) -> Tensor:
    """Reduce a mask that broadcasts to a code to one entry for each of its vectors."""
    mask = mask.expand_as(code)
    for axis in vector_axes(spec):
        mask = mask.all(axis, keepdim=True)
    return mask
