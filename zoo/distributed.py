"""Ranks of a distributed run, and the networks inside their wrappers.

Everything here also answers in a run of one process, so nobody has to ask which kind it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

K = TypeVar("K")
N = TypeVar("N", bound=nn.Module)
V = TypeVar("V")


def launcher() -> str:
    """Who started this process: "pytorch" (torchrun), "slurm" (more than one task) or "none"; mmengine's words."""
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        return "pytorch"
    if "SLURM_PROCID" in os.environ and int(os.environ.get("SLURM_NTASKS", "1")) > 1:
        return "slurm"
    return "none"


def rank() -> int:
    """Number of this process, from 0; known from the launcher's environment even before the group has started."""
    if distributed.is_initialized():
        return distributed.get_rank()
    return int(os.environ[{"pytorch": "RANK", "slurm": "SLURM_PROCID"}[launcher()]]) if launcher() != "none" else 0


def world_size() -> int:
    """Number of processes that train together."""
    if distributed.is_initialized():
        return distributed.get_world_size()
    return (
        int(os.environ[{"pytorch": "WORLD_SIZE", "slurm": "SLURM_NTASKS"}[launcher()]]) if launcher() != "none" else 1
    )


def is_main() -> bool:
    """Whether this process writes the files of the run."""
    return rank() == 0


def barrier() -> None:
    """Wait for all ranks."""
    any_rank(False)


def any_rank(flag: bool) -> bool:
    """Whether ``flag`` is set on any rank; all ranks must call. It travels between hosts, so no GPU is waited for."""
    if not distributed.is_initialized():
        return flag
    raised = torch.tensor(int(flag))
    distributed.all_reduce(raised, op=distributed.ReduceOp.MAX, group=_host_group())
    return bool(raised.item())


def mean_over_ranks(values: Tensor) -> Tensor:
    """``values`` averaged over the ranks, in place; all ranks must call."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
        values /= distributed.get_world_size()
    return values


def merge_over_ranks(part: dict[K, V]) -> dict[K, V]:
    """The dictionaries of all ranks in one, the same everywhere (higher ranks win); all ranks must call."""
    if not distributed.is_initialized():
        return part
    parts: list[dict[K, V]] = [{} for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(parts, part, group=_host_group())
    return {key: value for each in parts for key, value in each.items()}


@cache
def _host_group() -> distributed.ProcessGroup | None:
    """A group that talks between hosts; None is the default group, where that already does."""
    return None if distributed.get_backend() == "gloo" else cast(Any, distributed.new_group(backend="gloo"))


def bare(module: N) -> N:
    """The network itself, without the wrapper that averages its gradients over the ranks."""
    return cast(N, module.module) if isinstance(module, DistributedDataParallel) else module


@contextmanager
def with_networks(method: N, networks: Mapping[str, nn.Module]) -> Iterator[N]:
    """The same method with other networks under some of its names, for the time of the block."""
    own = dict(method._modules)
    method._modules.update(networks)
    try:
        yield method
    finally:
        method._modules.update(own)


@contextmanager
def unwrapped(method: N) -> Iterator[N]:
    """The method with bare networks for the time of the block: its state then has the keys of a run of one process."""
    networks = {name: bare(network) for name, network in method._modules.items() if network is not None}
    with with_networks(method, networks) as plain:
        yield plain
