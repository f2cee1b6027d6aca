"""What the cells of a bench cost on a GPU, counted without one: operations, memory traffic and kernels.

    python benchmarks/speed/budget.py --profile gpu
    python benchmarks/speed/budget.py --profile gpu --tables 3 --set train.iterations=600

Training and evaluation of each cell run on the CPU for a few pictures while every operator that torch executes is
counted; all else follows from how many pictures there are. The minutes are an estimate, not a measurement: an operator
is taken to need the longest of its arithmetic, its memory traffic and the start of its kernel, at the rates given.
Reading pictures, starting processes and writing reports are not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from zoo import factory
from zoo.config import resolve
from zoo.data import collate
from zoo.engine.train import TrainingComponents
from zoo.losses.perceptual import load_trunk
from zoo.metrics import MethodSource, applicable, evaluate, named
from zoo.nn import label_conv
from zoo.options import PROFILES
from zoo_bench.grid import DATA, Cell, Choices, lay_out
from zoo_bench.tables import read

FEW, MORE = 2, 3
"""Pictures that are counted: what one picture adds is the difference."""


@dataclass(frozen=True)
class Rates:
    """What the device reaches: operations per second in half and in single precision, bytes per second, and seconds
    from one kernel to the next.
    """

    half: float
    single: float
    bandwidth: float
    launch: float


@dataclass(frozen=True)
class Cost:
    """flops: of matrix products and convolutions. traffic: bytes that operators read and write, nothing fused. kernels:
    operators that are not just views. seconds: see the module.
    """

    flops: float = 0.0
    traffic: float = 0.0
    kernels: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(a + b for a, b in zip(self._all, other._all, strict=True)))

    def __mul__(self, factor: float) -> Cost:
        return Cost(*(value * factor for value in self._all))

    def __sub__(self, other: Cost) -> Cost:
        return self + other * -1

    @property
    def _all(self) -> tuple[float, ...]:
        return self.flops, self.traffic, self.kernels, self.seconds


class Counter(TorchDispatchMode):
    """Adds up, while it is entered, what every operator costs at the given rates."""

    def __init__(self, rates: Rates) -> None:
        super().__init__()
        self.rates = rates
        self.cost = Cost()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            count = flop_registry.get(func.overloadpacket)
            flops = 0 if count is None else count(*args, **(kwargs or {}), out_val=out)
            tensors = [x for x in tree_leaves((args, kwargs, out)) if isinstance(x, Tensor)]
            traffic = sum(x.numel() * x.element_size() for x in tensors)
            half = any(x.dtype == torch.bfloat16 for x in tensors)
            reached = self.rates.half if half else self.rates.single
            seconds = max(flops / reached, traffic / self.rates.bandwidth, self.rates.launch)
            self.cost += Cost(flops, traffic, 1, seconds)
        return out


@click.command()
@click.option("--tables", default="all", show_default=True)
@click.option("--profile", type=PROFILES, default="gpu", show_default=True)
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A setting of all cells.")
@click.option("--half", default=250.0, show_default=True, help="TFLOP/s that convolutions reach in bfloat16.")
@click.option("--single", default=40.0, show_default=True, help="The same in float32, which judges.")
@click.option("--bandwidth", default=2.5, show_default=True, help="TB/s, read and written.")
@click.option("--launch", default=8.0, show_default=True, help="Microseconds from one kernel to the next.")
def main(
    tables: str, profile: str, sets: tuple[str, ...], half: float, single: float, bandwidth: float, launch: float
) -> None:
    """Print what an iteration of every cell costs, and minutes as the given rates would have them."""
    click.echo(f"Profile {profile}, counted with torch {torch.__version__}; milliseconds and minutes are estimates at")
    click.echo(f"{half:g} (float32: {single:g}) TFLOP/s, {bandwidth:g} TB/s and {launch:g} us per kernel.")
    rates, total = Rates(half * 1e12, single * 1e12, bandwidth * 1e12, launch * 1e-6), 0.0
    columns = ("TFLOP", "GB", "kernels", "ms", "training", "judging")
    click.echo(f"{'an iteration of':40}" + "".join(f"{name:>10}" for name in columns))
    for cell, train, test in planned([name.strip() for name in tables.split(",")], profile, sets):
        step = iteration(cell, rates)
        iterations = cell.config.train.iterations
        epochs = ceil(iterations * cell.config.train.batch_size / train)
        training = step * iterations + searched_picture(cell, rates) * (epochs * train)
        judging = judged_mask(cell, rates) * test
        total += training.seconds + judging.seconds
        numbers = (step.flops / 1e12, step.traffic / 1e9, step.kernels, step.seconds * 1e3)
        minutes = (training.seconds / 60, judging.seconds / 60)
        click.echo(f"{cell.key:40}" + "".join(f"{number:>10.4g}" for number in (*numbers, *minutes)))
    click.echo(f"{total / 60:.1f} minutes in all")


def planned(tables: Sequence[str], profile: str, sets: Sequence[str]) -> Iterator[tuple[Cell, int, int]]:
    """Every cell that trains, on a handful of pictures, with how many it would train on and be judged by."""
    few = f"data.standin={{train: {2 * MORE}, test: {MORE}, seed: 0}}"
    with TemporaryDirectory() as folder:
        grid = lay_out(read().choose(tables, profile), Choices(profile, Path(folder), sets=(*sets, few)))
        for cell in grid.cells.values():
            if cell.method != DATA:
                counts = resolve(cell.method, cell.config.data["name"], profile, sets).data["standin"]
                if counts is None or cell.config.train.iterations is None:
                    raise click.UsageError(f"The profile {profile} trains for epochs: give another one.")
                yield cell, counts["train"], counts["test"]


def iteration(cell: Cell, rates: Rates) -> Cost:
    """One iteration of the cell's training, at its batch size."""
    precision = cell.config.train.precision

    def of(pictures: int) -> Cost:
        parts = _parts(cell, pictures)
        batch = parts.batches.to_device(collate([parts.dataset[i] for i in range(pictures)]))
        train_step = partial(parts.method.train_step, batch, parts.optimizers)
        _counted(train_step, rates, precision)  # the first makes Adam's moments
        return _counted(train_step, rates, precision)

    return _extrapolated(of, cell.config.train.batch_size)


def searched_picture(cell: Cell, rates: Rates) -> Cost:
    """What one picture costs before an epoch begins, where the method prepares its epochs as cIMLE does."""

    def of(pictures: int) -> Cost:
        parts = _parts(cell, pictures)
        shown = [parts.batches.to_device(collate([parts.dataset[i] for i in range(pictures)]))]
        begin = partial(parts.method.begin_epoch, 0, shown, parts.optimizers)
        return _counted(begin, rates, cell.config.train.precision)

    return of(MORE) - of(FEW)


def judged_mask(cell: Cell, rates: Rates) -> Cost:
    """The judging of one test picture by all metrics of the cell, with all of its samples."""
    source, dataset = MethodSource(factory.from_config(cell.config)), factory.dataset(cell.config, "test")
    asked = [named(metric) for metric in cell.metrics]
    kinds = {metric.cls for metric in asked}

    def of(samples: int) -> Cost:
        metrics = [name for name in applicable(source, samples) if named(name).cls in kinds]
        judge = partial(evaluate, source, dataset, metrics=metrics, allow_random=True, limit=FEW)
        return _counted(judge, rates) * (1 / FEW)

    return _extrapolated(of, max(metric.samples for metric in asked))


def _parts(cell: Cell, pictures: int) -> TrainingComponents:
    """What a training of the cell is made of, for batches of so many pictures, on the CPU."""
    train = replace(cell.config.train, batch_size=pictures, workers=0)
    parts = TrainingComponents.build(replace(cell.config, train=train), torch.device("cpu"))
    for optimizer in parts.optimizers.values():
        for group in optimizer.param_groups:
            group["foreach"] = True  # as on a GPU: all parameters in a few kernels
    if parts.method.needs_trunk:
        method = parts.method
        trunk = load_trunk(train.trunk, layers=method.trunk_layers, pool=method.trunk_pool, allow_random=True)
        method.attach_trunk(trunk.to(memory_format=torch.channels_last) if train.channels_last else trunk)
    return parts


def _extrapolated(of: Callable[[int], Cost], number: int) -> Cost:
    """What ``number`` pictures cost, where each adds the same."""
    few = of(FEW)
    return few + (of(MORE) - few) * ((number - FEW) / (MORE - FEW))


def _counted(work: Callable[[], object], rates: Rates, precision: str = "fp32") -> Cost:
    half = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)
    with half, _maps_written_out(), Counter(rates) as counter:
        work()
    return counter.cost


@contextmanager
def _maps_written_out() -> Iterator[None]:
    """Convolutions of class maps as they are on a GPU."""
    own, label_conv.better_written_out = label_conv.better_written_out, lambda label, table=None: True
    try:
        yield
    finally:
        label_conv.better_written_out = own


if __name__ == "__main__":
    main()
