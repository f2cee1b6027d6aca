"""Seconds per training iteration and peak memory of every method, for few and for many classes.

    python benchmarks/speed/train_step.py
    python benchmarks/speed/train_step.py --width 32 --batch 16 --device cuda --bf16 --channels-last --classes 16

Each case runs in a process of its own, so that its peak memory is its own. "clvae (lookup)" and "clvae (dense)" are
CLVAE with all label convolutions as table lookups, and all as ordinary convolutions of maps that are written out;
"clvae" takes what zoo.nn.class_map has for the device.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper

from zoo import factory
from zoo.interfaces import Batch
from zoo.nn import class_map
from zoo.nn.vgg import load_vgg

WRITTEN_OUT = {"clvae (lookup)": False, "clvae (dense)": True}
METHODS = ("gaugan", "gaugan_vae", "groupdnet", "cimle", "clvae", *WRITTEN_OUT)


@click.command()
@click.option("--methods", default=",".join(METHODS), show_default=True)
@click.option("--classes", default="20,151", show_default=True)
@click.option("--size", type=int, default=256, show_default=True, help="Height and width.")
@click.option("--width", type=int, default=16, show_default=True, help="Base width of generator and discriminator.")
@click.option("--batch", type=int, default=2, show_default=True)
@click.option("--iterations", type=int, default=3, show_default=True, help="Timed, after one to warm up.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--bf16", is_flag=True, help="Autocast to bfloat16.")
@click.option("--channels-last", is_flag=True, help="The memory layout that GPUs with tensor cores prefer.")
@click.option("--vgg/--no-vgg", default=True, help="With or without the perceptual loss.")
@click.option("--one", hidden=True, help="Measure one case in this process.")
def main(one: str | None, methods: str, classes: str, **options: Any) -> None:
    """Print a table of seconds per iteration and peak memory."""
    if one is not None:
        name, _, number = one.partition(":")
        click.echo(json.dumps(measure(name, int(number), **options)))
        return
    click.echo(f"{options}  torch {torch.__version__}, {torch.get_num_threads()} threads")
    click.echo(f"{'method':16}{'classes':>8}{'seconds':>10}{'CPU s':>10}{'peak MB':>10}")
    seconds: dict[tuple[str, int], float] = {}
    for count in (int(c) for c in classes.split(",")):
        for method in methods.split(","):
            found = _apart(method, count)
            seconds[method, count] = found["seconds"]
            click.echo(
                f"{method:16}{count:>8}{found['seconds']:>10.3f}{found['cpu']:>10.3f}{found['megabytes']:>10.0f}"
            )
        for method in ("clvae", *WRITTEN_OUT):
            if {(method, count), ("gaugan_vae", count)} <= seconds.keys():
                ratio = seconds[method, count] / seconds["gaugan_vae", count]
                click.echo(f"  {method} takes {ratio:.2f} times as long as gaugan_vae at {count} classes (aim: 1.2)")


def _apart(method: str, count: int) -> dict[str, float]:
    """One case in a fresh process, with the options of this one."""
    command = [sys.executable, __file__, *sys.argv[1:], "--one", f"{method}:{count}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(
    name: str,
    classes: int,
    *,
    size: int,
    width: int,
    batch: int,
    iterations: int,
    device: str,
    bf16: bool,
    channels_last: bool,
    vgg: bool,
) -> dict[str, float]:
    """Least seconds of an iteration (both steps) and the peak memory of the process or device.

    The minimum of several runs is the most robust on a busy machine. torch is configured as in training.
    """
    torch.backends.cudnn.benchmark = True
    layout = torch.channels_last if channels_last else torch.contiguous_format
    if name in WRITTEN_OUT:
        way = WRITTEN_OUT[name]
        name = "clvae"
        class_map.prefers_dense = lambda label, table=None: way
    settings: dict[str, Any] = {"width": width} if name == "cimle" else {"width": width, "discriminator_width": width}
    if not vgg and name != "cimle":
        settings["perceptual_weight"] = 0.0
    method = factory.build(name, classes=classes, size=(size, size), seed=0, **settings).to(device).train()
    method.to(memory_format=layout)
    if method.needs_vgg:
        features = load_vgg(layers=method.vgg_layers, pool=method.vgg_pool, allow_random=True)
        method.attach_vgg(features.to(device).to(memory_format=layout))
    optimizers = {
        key: OptimWrapper(torch.optim.Adam([p for n in networks for p in n.parameters()], 1e-4))
        for key, networks in method.optimized().items()
    }
    seconds, cpu = [], []
    for pictures in _batches(classes, size, batch, device, iterations + 1):
        _wait(device)
        shown = replace(pictures, image=pictures.image.contiguous(memory_format=layout))
        begun, busy = time.perf_counter(), time.process_time()
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16, cache_enabled=False):
            method.train_step(shown, optimizers)
        _wait(device)
        seconds.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - busy)
    return {"seconds": min(seconds[1:]), "cpu": min(cpu[1:]), "megabytes": _peak(device)}


def _batches(classes: int, size: int, batch: int, device: str, count: int) -> Iterator[Batch]:
    """Noise pictures over blocky maps in which about as many classes meet as in a real picture (16 blocks a side)."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        present = torch.randint(0, classes, (20,), generator=generator)
        coarse = present[torch.randint(0, 20, (batch, 16, 16), generator=generator)]
        label = F.interpolate(coarse[:, None].float(), size=(size, size))[:, 0].long()
        image = torch.rand(batch, 3, size, size, generator=generator) * 2 - 1
        yield Batch(image, label, tuple(map(str, range(batch)))).to(device)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _peak(device: str) -> float:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    main()
