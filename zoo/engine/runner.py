"""mmengine's Runner with the zoo's checkpoints, devices and quiet console."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from mmengine.visualization import TensorboardVisBackend, Visualizer
from torch import nn

from zoo.config import TrainConfig
from zoo.distributed import launcher
from zoo.engine.feed import Feed
from zoo.engine.loop import TrainLoop

DEFAULT_HOOKS = ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")
"""mmengine's own hooks, all replaced: they read losses on the host in every step, or save what torch cannot load."""


class TrainRunner(Runner):
    """Runs :class:`TrainLoop` on a model that is on its device and in its wrapper already.

    iterations: where to end; first: how many are done. events: folder for TensorBoard.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: OptimWrapperDict,
        feed: Feed,
        hooks: Sequence[Hook],
        *,
        config: TrainConfig,
        iterations: int,
        first: int,
        events: Path,
    ) -> None:
        # mmengine keeps loggers by name for the whole process, and names by the second of the clock
        name = f"zoo-{uuid.uuid4().hex[:8]}"
        self.first = first
        epochs = config.epochs + config.decay_epochs
        loop = {"seed": config.seed, "iterations": iterations, "epochs": epochs, "precision": config.precision}
        super().__init__(
            model,
            work_dir=str(events),
            train_dataloader=feed,
            train_cfg={"type": "ZooTrainLoop", **loop},
            optim_wrapper=optimizers,
            default_hooks=dict.fromkeys(DEFAULT_HOOKS),
            custom_hooks=list(hooks),
            launcher=launcher(),
            env_cfg={
                "mp_cfg": {"mp_start_method": torch.multiprocessing.get_start_method()},
                "cudnn_benchmark": not config.deterministic,
            },
            log_level="WARNING",
            randomness={"seed": config.seed, "deterministic": config.deterministic},
            experiment_name=name,
        )

    def wrap_model(self, model_wrapper_cfg: Any, model: nn.Module) -> nn.Module:
        """Nothing: mmengine would move the model to a GPU even where the config says cpu."""
        return model

    def load_or_resume(self) -> None:
        """Begin after ``first`` iterations; the state was restored before the runner was made."""
        assert isinstance(self.train_loop, TrainLoop)
        self.train_loop.iter = self.first

    def build_logger(self, log_level: int | str = "WARNING", log_file: str | None = None, **kwargs: Any) -> MMLogger:
        """mmengine's logger, without its file, and on standard error: standard output is for results."""
        logger: MMLogger = MMLogger.get_instance(self._experiment_name, log_level=log_level)
        for handler in logger.handlers:
            handler.setStream(sys.stderr)
        return logger

    def build_visualizer(self, visualizer: Any = None) -> Visualizer:
        """TensorBoard, in a folder per start of the run."""
        return Visualizer(self._experiment_name, vis_backends=[TensorboardVisBackend(self._log_dir)])

    def dump_config(self) -> None:
        """Nothing: the run folder has ``config.yaml``."""

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        """Nothing: it would start compilers to ask for their versions; ``record.json`` has what matters."""
