"""Callbacks that extend a training run, such as early stopping or hyperparameter search.

A callback is a subclass of :class:`Callback` that is passed to :func:`zoo.train`, or registered and named in a config::

    @CALLBACKS.register("patience")
    class Patience(Callback):
        def __init__(self, *, metric: str, evaluations: int = 3) -> None: ...

    train:
      callbacks: [{name: patience, metric: lpips_alex, evaluations: 5}]

Callbacks run only in the main process and in list order: first those of the config, then those passed in Python. One
iteration calls ``on_iteration``, ``on_log``, ``on_evaluation`` and ``on_checkpoint`` in this order, each after the
files of its event have been written.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.config.values import check_mapping, keywords
from zoo.distributed import eval_mode, unwrap_ddp, unwrapped, with_networks
from zoo.errors import ZooError
from zoo.registries import CALLBACKS

if TYPE_CHECKING:
    import torch

    from zoo.config import Config
    from zoo.interfaces import Method

log = logging.getLogger(__name__)


class Run:
    """The state of a run, for callbacks. It is read-only for them; only the training loop changes it.

    Attributes:
        config: The resolved config.
        folder: The run folder; callbacks may write their own files there.
        device: Device of this process.
        iterations: Planned length of the run.
        iteration: Finished iterations, including those before a resume.
        epoch: Number of the current epoch, from 1.
        losses: Losses of the last line of ``log.jsonl``, averaged over the iterations since the previous line.
        metrics: Results of the last evaluation, by the full name of the metric; empty before the first one.
        stop_reason: Why the run stops early: the argument of :meth:`stop`, or the name of a signal; else None.
        error: In ``on_end``, the exception that ended the run; None if the run ended normally.
    """

    def __init__(
        self,
        method: Method,
        config: Config,
        *,
        averages: Mapping[str, torch.nn.Module],
        folder: Path,
        device: torch.device,
        iterations: int,
    ) -> None:
        self._method = method
        self._averages = averages
        self.config = config
        self.folder = folder
        self.device = device
        self.iterations = iterations
        self.iteration = 0
        self.epoch = 1
        self.losses: Mapping[str, float] = {}
        self.metrics: Mapping[str, float] = {}
        self.stop_reason: str | None = None
        self.error: BaseException | None = None

    @property
    def latest(self) -> Path:
        """Path of the latest checkpoint; the file does not exist before the first one is written."""
        return self.folder / "latest.pth"

    @property
    def method(self) -> Method:
        """The method in training mode, without distributed wrappers."""
        networks = {name: unwrap_ddp(network) for name, network in self._method.named_children()}
        if all(network is self._method._modules[name] for name, network in networks.items()):
            return self._method
        method = copy.copy(self._method)  # shares the networks, in a dictionary of its own
        method._modules = {**self._method._modules, **networks}
        return method

    @contextmanager
    def averaged(self) -> Iterator[Method]:
        """Context with the method in evaluation mode, with averaged weights if available (``train.ema``)."""
        with unwrapped(self._method) as method, with_networks(method, self._averages), eval_mode(method):
            yield method

    def stop(self, reason: str) -> None:
        """Stop the run after this iteration and save a checkpoint; ``record.json`` stores the reason as ``stopped``."""
        self.stop_reason = self.stop_reason or reason


class Callback:
    """Base class of callbacks; override the events that are needed.

    An exception ends the run. Files written so far stay intact, and the run can be resumed from its last checkpoint. A
    callback must not change weights, gradients or learning rates.
    """

    name: ClassVar[str]  # set by the registry

    def on_start(self, run: Run) -> None:
        """Called once before the first iteration, after the state of a resumed run has been loaded."""

    def on_iteration(self, run: Run) -> None:
        """Called after every iteration.

        ``run.losses`` are those of the last log line, since reading newer ones would stall the GPU.
        """

    def on_log(self, run: Run) -> None:
        """Called every ``train.log_every`` iterations and at the last one, with new ``run.losses``."""

    def on_evaluation(self, run: Run) -> None:
        """Called every ``train.evaluate.every`` iterations, with new ``run.metrics``."""

    def on_checkpoint(self, run: Run) -> None:
        """Called after ``run.latest`` has been written. State changed here is saved in the next checkpoint."""

    def on_end(self, run: Run) -> None:
        """Called once at the end, also after an interruption or an error (``run.error``)."""

    def state_dict(self) -> dict[str, Any]:
        """The state of this callback, as tensors and plain values; stored in every checkpoint."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state returned by :meth:`state_dict`."""


def build_callbacks(config: Config) -> list[Callback]:
    """Build the callbacks of ``train.callbacks``.

    Raises:
        ZooError: For an unknown name, and for unknown, missing or invalid settings.
    """
    built = []
    for number, entry in enumerate(config.train.callbacks):
        key = f"train.callbacks.{number}"
        origin = config.origins.get("train.callbacks", "the config")
        settings = dict(entry)
        name = settings.pop("name", None)
        if not isinstance(name, str):
            raise ZooError(f"{key} needs a name, as in {{name: my_callback}}, but {origin} sets it to {entry}.")
        cls = CALLBACKS.get(name)
        checked = check_mapping(settings, keywords(cls), key, partial(_origin, origin))
        built.append(cls(**checked))
    return built


def _origin(origin: str, key: str) -> str:
    return origin


class CallbackList:
    """The callbacks of a run, called one after another.

    Args:
        callbacks: The callbacks, in order; empty except in the main process.
        run: Passed to the callbacks.
    """

    def __init__(self, callbacks: Sequence[Callback], run: Run) -> None:
        self.run = run
        self.callbacks: dict[str, Callback] = {}
        for callback in callbacks:
            name = getattr(callback, "name", type(callback).__qualname__)
            same = sum(known == name or known.startswith(f"{name} ") for known in self.callbacks)
            self.callbacks[f"{name} {same + 1}" if same else name] = callback

    def call(self, event: str) -> None:
        """Call a method of all callbacks. An exception is re-raised with a note that names the callback."""
        for name, callback in self.callbacks.items():
            with self._noted(name, event):
                getattr(callback, event)(self.run)

    def end(self) -> None:
        """Call ``on_end`` of all callbacks. Exceptions are logged; the first is raised unless the run failed."""
        first: Exception | None = None
        for name, callback in self.callbacks.items():
            try:
                with self._noted(name, "on_end"):
                    callback.on_end(self.run)
            except Exception as error:
                log.warning("on_end of the callback %s failed: %r", name, error)
                first = first or error
        if self.run.error is None and first is not None:
            raise first

    def state_dict(self) -> dict[str, Any]:
        """The states of all callbacks that have one, by name; a second callback of the same name is ``"NAME 2"``."""
        return {name: state for name, callback in self.callbacks.items() if (state := callback.state_dict())}

    def load_state_dict(self, states: Mapping[str, Any]) -> None:
        """Restore the state of each callback; a callback that is new in a resumed run has none."""
        for name, callback in self.callbacks.items():
            if name in states:
                callback.load_state_dict(states[name])

    @contextmanager
    def _noted(self, name: str, event: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            error.add_note(
                f"raised by the callback {name} ({event}) after iteration {self.run.iteration}; the run in "
                f"{self.run.folder} can be resumed from its last checkpoint"
            )
            raise
