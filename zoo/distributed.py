"""Distributed training: ranks, collective operations, and wrapping of networks.

All functions also work in a single-process run.
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
    """The launcher of this process: "pytorch" (torchrun), "slurm" (more than one task) or "none", as in mmengine."""
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        return "pytorch"
    if "SLURM_PROCID" in os.environ and int(os.environ.get("SLURM_NTASKS", "1")) > 1:
        return "slurm"
    return "none"


def rank() -> int:
    """Rank of this process; read from the launcher's environment if the process group has not started yet."""
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
    """Initialise the process group if there is a launcher, and return the device of this process.

    Args:
        setting: As for :func:`zoo.environment.resolve_device`, which lists the errors. Under a launcher, each rank has
            its own GPU.
    """
    from zoo.environment import resolve_device

    device = resolve_device(setting)
    if launcher() != "none" and not distributed.is_initialized():
        # mmengine would start data workers with "spawn", which requires picklable datasets
        if multiprocessing.get_start_method(allow_none=True) is None:
            multiprocessing.set_start_method("fork")
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("MKL_NUM_THREADS", "1")
        if device.type == "cpu":
            # mmengine's launchers call CUDA even on machines without GPUs
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
    """Set torch's environment variables from Slurm's; MASTER_ADDR and MASTER_PORT take precedence if set."""
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
    """Whether this is the main process, which writes the files of the run."""
    return rank() == 0


def barrier() -> None:
    """Wait for all ranks."""
    any_rank(False)


def any_rank(flag: bool) -> bool:
    """Whether ``flag`` is set on any rank; all ranks must call. Uses CPU communication, so no GPU is synchronised."""
    if not distributed.is_initialized():
        return flag
    raised = torch.tensor(int(flag))
    distributed.all_reduce(raised, op=distributed.ReduceOp.MAX, group=_host_group())
    return bool(raised.item())


def mean_over_ranks(values: Tensor) -> Tensor:
    """Average ``values`` over the ranks, in place; all ranks must call."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
        values /= distributed.get_world_size()
    return values


def merge_over_ranks(part: dict[K, V]) -> dict[K, V]:
    """Merge the dictionaries of all ranks, on all ranks (higher ranks take precedence); all ranks must call."""
    if not distributed.is_initialized():
        return part
    parts: list[dict[K, V]] = [{} for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(parts, part, group=_host_group())
    return {key: value for each in parts for key, value in each.items()}


@cache
def _host_group() -> distributed.ProcessGroup | None:
    """A process group for CPU communication; None (the default group) if that already uses the CPU."""
    return None if distributed.get_backend() == "gloo" else cast(Any, distributed.new_group(backend="gloo"))


def wrap(method: nn.Module) -> nn.Module:
    """Wrap each network of the method, so that its gradients are averaged over the ranks.

    On GPUs, batch normalisation is synchronised over all ranks, as in the official networks; torch has no such layer
    for CPUs, where each rank uses its own statistics.
    """
    if not distributed.is_initialized():
        return method
    # imported here because many modules import this one
    from mmengine.model import MMSeparateDistributedDataParallel

    if next(method.parameters()).is_cuda:
        method = nn.SyncBatchNorm.convert_sync_batchnorm(method)
    # Without device_ids nothing is scattered: correct for one device per process, and required on CPUs.
    with warnings.catch_warnings():
        # mmengine passes an option that was renamed in newer versions of torch
        warnings.filterwarnings("ignore", message=".*broadcast_buffers.*", category=FutureWarning)
        return MMSeparateDistributedDataParallel(method, device_ids=None)


def unwrap_ddp(module: N) -> N:
    """The network without its DistributedDataParallel wrapper."""
    return cast(N, module.module) if isinstance(module, DistributedDataParallel) else module


@contextmanager
def with_networks(method: N, networks: Mapping[str, nn.Module]) -> Iterator[N]:
    """Context in which some networks of the method are replaced."""
    own = dict(method._modules)
    method._modules.update(networks)
    try:
        yield method
    finally:
        method._modules.update(own)


@contextmanager
def unwrapped(method: N) -> Iterator[N]:
    """Context with unwrapped networks, in which the state dict has the keys of a single-process run."""
    networks = {name: unwrap_ddp(network) for name, network in method._modules.items() if network is not None}
    with with_networks(method, networks) as plain:
        yield plain


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Context in evaluation mode; afterwards the previous mode of every submodule is restored."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
