"""A method from a checkpoint, with the names and colours of its classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch

from zoo import checkpoints
from zoo.config import Config
from zoo.data.class_tables import ClassTable, class_table, dataset_table
from zoo.distributed import start
from zoo.factory import load
from zoo.interfaces import Method


@dataclass(frozen=True)
class LoadedMethod:
    """A method from a checkpoint.

    Attributes:
        method: The method, in eval mode on ``device``.
        table: Names and colours of its classes.
        checkpoint: The file.
        device: Device of the method.
        digest: SHA-256 of the file when it was loaded, in hexadecimal.
    """

    method: Method
    table: ClassTable
    checkpoint: Path
    device: torch.device
    digest: str

    @classmethod
    def load(cls, checkpoint: Path | str, *, device: str = "auto", names: str | None = None) -> Self:
        """Load a checkpoint.

        Args:
            checkpoint: File of weights.
            device: "cpu", "cuda", or "auto".
            names: Name of a dataset whose class table to use; None for that of the checkpoint.

        Raises:
            ZooError: As :func:`zoo.load` and :func:`zoo.data.class_tables.dataset_table`.
        """
        where = start(device)
        method = load(checkpoint, device=where)
        table = table_of(method) if names is None else dataset_table(names, method.config.data["classes"])
        path = Path(checkpoint)
        return cls(method, table, path, torch.device(where), checkpoints.digest(path))

    @property
    def config(self) -> Config:
        """How the method was built."""
        return self.method.config

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the method's pictures."""
        height, width = self.config.data["size"]
        return height, width


def table_of(method: Method) -> ClassTable:
    """Names and colours of the classes of a method from :func:`zoo.build` or :func:`zoo.load`."""
    return class_table(method.config.data)
