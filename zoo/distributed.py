"""The processes of a distributed run (ranks), and networks inside and outside of their wrappers.

All functions also work in a run of one process, so callers need not ask which kind of run it is.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import warnings
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


def start(setting: str) -> torch.device:
    """Join the process group of this run, where a launcher started it, and return the device of this process.

    Args:
        setting: As for :func:`zoo.environment.device_of`, which also lists the errors. Under a launcher each rank has
            a GPU of its own.
    """
    from zoo.environment import device_of

    device = device_of(setting)
    if launcher() != "none" and not distributed.is_initialized():
        # mmengine would start data workers by "spawn", for which every dataset would have to be picklable
        if multiprocessing.get_start_method(allow_none=True) is None:
            multiprocessing.set_start_method("fork")
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("MKL_NUM_THREADS", "1")
        if device.type == "cpu":
            # mmengine's launchers call CUDA even where there is none
            if launcher() == "slurm":
                _slurm_to_torch()
            distributed.init_process_group("gloo")
        else:
            from mmengine.dist import init_dist

            init_dist(launcher(), backend="nccl")
        atexit.register(_stop)
    if device.type == "cuda" and distributed.is_initialized():
        return torch.device("cuda", torch.cuda.current_device())
    return device


def _slurm_to_torch() -> None:
    """Set the variables that torch reads from those of Slurm; MASTER_ADDR and MASTER_PORT win where given."""
    env = os.environ
    env["RANK"], env["WORLD_SIZE"] = env["SLURM_PROCID"], env["SLURM_NTASKS"]
    env.setdefault("LOCAL_RANK", env.get("SLURM_LOCALID", "0"))
    env.setdefault("MASTER_PORT", "29500")
    if "MASTER_ADDR" not in env:
        hosts = subprocess.run(
            ["scontrol", "show", "hostnames", env["SLURM_NODELIST"]], capture_output=True, text=True, check=True
        )
        env["MASTER_ADDR"] = hosts.stdout.split()[0]


def _stop() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


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


def wrap(method: nn.Module) -> nn.Module:
    """Put each network of the method into a wrapper of its own that averages its gradients over the ranks.

    On GPUs, batch normalisation takes its statistics over all ranks, as the official networks do; torch has no such
    layer for CPUs, where each rank keeps its own statistics.
    """
    if not distributed.is_initialized():
        return method
    # imported here because every module of the zoo imports this one
    from mmengine.model import MMSeparateDistributedDataParallel

    if next(method.parameters()).is_cuda:
        method = nn.SyncBatchNorm.convert_sync_batchnorm(method)
    # Without device_ids nothing is scattered, which is right for one device per process and the only way on CPUs.
    with warnings.catch_warnings():
        # mmengine passes an option that newer versions of torch spell otherwise
        warnings.filterwarnings("ignore", message=".*broadcast_buffers.*", category=FutureWarning)
        return MMSeparateDistributedDataParallel(method, device_ids=None)


def unwrap_ddp(module: N) -> N:
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
    networks = {name: unwrap_ddp(network) for name, network in method._modules.items() if network is not None}
    with with_networks(method, networks) as plain:
        yield plain


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for the time of the block; afterwards every submodule has the mode it had before."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
