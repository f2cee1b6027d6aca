"""Seconds that Diversity takes in closed form and as the lpips package's loop over all pairs, on the same samples.

    python benchmarks/speed/metrics.py
    python benchmarks/speed/metrics.py --size 256 --device cuda

Both see the same pictures and weights, and both numbers are printed: they must agree to 1e-5. The network is AlexNet
with ImageNet's weights, or a random one where those are not found (which changes no timing).
"""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import click
import torch
from torch import Tensor, nn

from zoo.metrics import AlexLPIPS, DiversityAccumulator, load_lpips


@click.command()
@click.option("--samples", type=click.IntRange(min=2), default=40, show_default=True, help="Pictures of one mask.")
@click.option("--size", type=int, default=128, show_default=True, help="Height and width.")
@click.option("--device", default="cpu", show_default=True)
def main(samples: int, size: int, device: str) -> None:
    """Print both times, both numbers and the ratio."""
    network = load_lpips(allow_random=True).to(device)
    pictures = (torch.rand(samples, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1).to(device)
    package = _package(network).to(device)
    for measure in (partial(closed_form, network), partial(all_pairs, package)):
        measure(pictures[:2])  # warms up
    ours, fast = _timed(partial(closed_form, network), pictures)
    theirs, slow = _timed(partial(all_pairs, package), pictures)
    pairs = samples * (samples - 1) // 2
    click.echo(f"{samples} samples of {size}x{size}, {pairs} pairs, {network.features}, {_where(device)}")
    click.echo(f"{'closed form':32}{fast:10.3f} s   Diversity {ours:.8f}")
    click.echo(f"{'lpips package, pair by pair':32}{slow:10.3f} s   Diversity {theirs:.8f}")
    click.echo(f"{slow / fast:.1f} times faster (aim: 30), difference {abs(ours - theirs):.1e} (aim: 1e-5)")


@torch.no_grad()
def closed_form(network: AlexLPIPS, pictures: Tensor) -> float:
    """Diversity of pictures ``[S, 3, H, W]`` in [-1, 1], as the bench computes it."""
    accumulator = DiversityAccumulator(network)
    accumulator.update(pictures)
    return accumulator.result()


@torch.no_grad()
def all_pairs(package: nn.Module, pictures: Tensor) -> float:
    """The same as the mean of the package's distances over all pairs."""
    distances = [float(package(a[None], b[None])) for a, b in itertools.combinations(pictures, 2)]
    return sum(distances) / len(distances)


def _timed(measure: Callable[[Tensor], float], pictures: Tensor) -> tuple[float, float]:
    begun = time.perf_counter()
    value = measure(pictures)
    return value, time.perf_counter() - begun


def _package(network: AlexLPIPS) -> nn.Module:
    """The network as the lpips package would run it, with the same AlexNet."""
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips calls torchvision in its old way
        package: Any = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    package.net.load_state_dict(network.alexnet.state_dict())
    return package


def _where(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
