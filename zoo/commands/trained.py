"""Shared code of commands that apply a checkpoint to pictures of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.options import FILE, data_option, device_option, plugin_option, root_option, seed_option

if TYPE_CHECKING:
    from zoo.data import PairedDataset
    from zoo.interfaces import Method


def on_test_pictures(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator for commands on test pictures: adds ``limit``, ``seed`` and the arguments of :func:`opened`."""
    for add in (
        plugin_option,
        device_option,
        seed_option,
        click.option("--limit", type=click.IntRange(min=1), help="Use only the first N test pictures."),
        root_option,
        data_option,
        click.argument("checkpoint", type=FILE),
    ):
        command = add(command)
    return command


def opened(
    checkpoint: Path, data: str, data_root: Path | None, device: str, split: str = "test"
) -> tuple[Method, PairedDataset]:
    """Load the method of a checkpoint on a device, and the pictures of a split."""
    from zoo.trained import evaluation_pictures, open_method

    method = open_method(checkpoint, device)
    return method, evaluation_pictures(method, data, data_root, split)
