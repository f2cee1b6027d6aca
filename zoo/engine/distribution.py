"""Starting a process group under torchrun or Slurm, with or without GPUs."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import warnings

import torch
from mmengine.dist import init_dist
from mmengine.model import MMSeparateDistributedDataParallel
from torch import distributed, nn

from zoo.distributed import launcher
from zoo.errors import ZooError


def device_of(setting: str) -> torch.device:
    """The device that ``train.device`` or ``--device`` means here: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises ZooError for a GPU that is not there, and for another word.
    """
    there = torch.cuda.is_available()
    if setting.startswith("cuda") and not there:
        raise ZooError(f"The device {setting} is asked for, but torch sees no GPU here: use auto or cpu.")
    if setting == "cpu" and there and launcher() != "none":
        raise ZooError(
            "The device cpu is asked for under a launcher on a machine with GPUs, which its wrapper would use: "
            "hide them with CUDA_VISIBLE_DEVICES= in front of the command."
        )
    if setting == "auto":
        return torch.device("cuda" if there else "cpu")
    try:
        return torch.device(setting)
    except RuntimeError as error:
        raise ZooError(f'There is no device "{setting}": use auto, cpu, cuda or cuda:N.') from error


def start(setting: str) -> torch.device:
    """Start the process group of this run, where there is one, and return the device of this process.

    ``setting`` and errors as in :func:`device_of`; under a launcher each rank has its own GPU.
    """
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
            init_dist(launcher(), backend="nccl")
        atexit.register(_stop)
    if device.type == "cuda" and distributed.is_initialized():
        return torch.device("cuda", torch.cuda.current_device())
    return device


def wrap(method: nn.Module) -> nn.Module:
    """Each network of the method in a wrapper of its own that averages its gradients over the ranks.

    On GPUs, batch normalisation takes its statistics over all ranks, as the official networks do; torch has no such
    layer for CPUs, where each rank keeps its own.
    """
    if not distributed.is_initialized():
        return method
    if next(method.parameters()).is_cuda:
        method = nn.SyncBatchNorm.convert_sync_batchnorm(method)
    # Without device_ids nothing is scattered, which is right for one device per process and the only way on CPUs.
    with warnings.catch_warnings():
        # mmengine passes an option that newer versions of torch spell otherwise
        warnings.filterwarnings("ignore", message=".*broadcast_buffers.*", category=FutureWarning)
        return MMSeparateDistributedDataParallel(method, device_ids=None)


def _slurm_to_torch() -> None:
    """The variables that torch reads, from those that Slurm sets; MASTER_ADDR and MASTER_PORT win where given."""
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
