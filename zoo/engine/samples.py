"""A grid of fixed masks and fixed codes, drawn again and again while a method learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.hooks import Hook
from torch import Tensor, nn

from zoo.distributed import bare, is_main, unwrapped, with_networks
from zoo.engine.ema import Average
from zoo.engine.folder import RunFolder
from zoo.interfaces import Batch, Method
from zoo.visual import grid, sample_columns, save_picture


class SampleGrid(Hook):
    """Writes ``samples/iter_XXXXXX.png`` every ``every`` iterations and at the end, by the averaged networks if any.

    A row per picture of ``batch``: coloured mask, the picture, its reconstruction where the method has an encoder, and
    ``samples`` draws of the prior (one where the method has no codes). Training is not disturbed: the networks draw in
    evaluation mode, and the next iteration seeds its own random numbers.
    """

    priority = "LOW"

    def __init__(
        self, folder: RunFolder, batch: Batch, *, every: int, classes: int, average: Average | None, samples: int = 4
    ) -> None:
        self.folder = folder
        self.batch = batch
        self.every = every
        self.classes = classes
        self.average = average
        self.samples = samples
        self.drawn = -1

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        if runner.iter % self.every == 0:
            self.draw(runner)

    def after_train(self, runner: Any) -> None:
        if self.drawn != runner.iter:
            self.draw(runner)

    def draw(self, runner: Any) -> None:
        self.drawn = runner.iter
        if not is_main():
            return
        networks = {} if self.average is None else self.average.networks
        with unwrapped(bare(runner.model)) as method, with_networks(method, networks), evaluating(method):
            pixels = grid(self.columns(method))
        save_picture(self.folder.samples / f"iter_{runner.iter:06d}.png", pixels)
        runner.visualizer.add_image("samples", pixels.permute(1, 2, 0).numpy(), step=runner.iter)

    @torch.no_grad()
    def columns(self, method: Method) -> dict[str, Tensor]:
        """The columns of the grid by their captions, each ``[B, 3, H, W]`` in [-1, 1]."""
        label, image = self.batch.label, self.batch.image
        rebuilt = None if method.encoder is None else method.synthesize(label, method.encode(image, label).mu)
        samples = self.samples if method.code_specs else 1
        drawn = method.synthesize(label, method.sample(label, samples, seed=0)).unflatten(0, (len(image), samples))
        return sample_columns(label, image, drawn, classes=self.classes, reconstruction=rebuilt)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for the time of the block, then every submodule as it was."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
