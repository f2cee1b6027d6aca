"""Seconds for the samples of one mask, synthesised together and one by one, for every method that has codes.

    python benchmarks/speed/synthesis.py
    python benchmarks/speed/synthesis.py --width 64 --size 256 --classes 151 --device cuda --methods gaugan_vae,clvae

Together, what depends on the mask alone (GauGAN-VAE's modulation maps, cIMLE's pyramid) is computed once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import click
import torch
import torch.nn.functional as F
from torch import Tensor

from zoo import factory
from zoo.interfaces import Method

METHODS = ("gaugan_vae", "groupdnet", "cimle", "clvae")


@click.command()
@click.option("--methods", default=",".join(METHODS), show_default=True)
@click.option("--samples", type=click.IntRange(min=2), default=40, show_default=True, help="Pictures of one mask.")
@click.option("--size", type=int, default=128, show_default=True, help="Height and width.")
@click.option("--width", type=int, default=16, show_default=True, help="Base width of the generators.")
@click.option("--classes", type=int, default=20, show_default=True)
@click.option("--device", default="cpu", show_default=True)
def main(methods: str, samples: int, size: int, width: int, classes: int, device: str) -> None:
    """Print a table of seconds, the speed-up, and how far the pictures differ."""
    click.echo(
        f"{samples} samples of {size}x{size}, width {width}, {classes} classes, {device}, torch {torch.__version__}"
    )
    click.echo(f"{'method':14}{'one by one':>12}{'together':>12}{'faster':>10}{'largest difference':>22}")
    for name in methods.split(","):
        method = factory.build(name, classes=classes, size=(size, size), seed=0, width=width).to(device)
        label = _mask(classes, size).to(device)
        method.synthesize(label, method.sample(label, 2, seed=0))  # warms up
        alone, slow = _timed(partial(one_by_one, method, label, samples), device)
        at_once, fast = _timed(partial(together, method, label, samples), device)
        gap = float((alone - at_once).abs().max())
        click.echo(f"{name:14}{slow:>10.3f} s{fast:>10.3f} s{slow / fast:>9.2f}x{gap:>22.1e}")


def one_by_one(method: Method, label: Tensor, samples: int) -> Tensor:
    """Samples ``[S, 3, H, W]`` of a mask ``[1, H, W]``, one call each."""
    codes = method.sample(label, samples, seed=0)
    return torch.cat([method.synthesize(label, codes.rows([row])) for row in range(samples)])


def together(method: Method, label: Tensor, samples: int) -> Tensor:
    """The same samples in one call."""
    return method.synthesize(label, method.sample(label, samples, seed=0))


def _timed(work: Callable[[], Tensor], device: str) -> tuple[Tensor, float]:
    begun = time.perf_counter()
    pictures = work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return pictures, time.perf_counter() - begun


def _mask(classes: int, size: int) -> Tensor:
    """``[1, H, W]`` of 16 x 16 blocks."""
    coarse = torch.randint(0, classes, (1, 1, 16, 16), generator=torch.Generator().manual_seed(0))
    return F.interpolate(coarse.float(), size=(size, size))[:, 0].long()


if __name__ == "__main__":
    main()
