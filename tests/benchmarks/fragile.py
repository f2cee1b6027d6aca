"""A plugin whose training goes wrong when it is asked to, and is otherwise quick and hungry for random numbers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from zoo.codes import Codes, CodeSpec
from zoo.interfaces import Batch, Generator, Method
from zoo.registries import METHODS


class Shades(Generator):
    """A colour per class, shifted by the code."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.code_specs = {"global": CodeSpec((3,), ("channel",))}
        self.colours = nn.Parameter(torch.rand(classes, 3))

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        code = codes["global"]
        colours = self.colours[label].repeat_interleave(len(code) // len(label), dim=0)
        return torch.tanh(colours + code[:, None, None]).permute(0, 3, 1, 2)


@METHODS.register("fragile")
class Fragile(Method):
    """ends: how the iteration ``at`` ends while the file ``trap`` is there (always, where no file is named). pause:
    seconds of rest in every iteration. number: tells runs apart that are alike.

    "full" writes a checkpoint to a disk without room.
    """

    needs_vgg = False

    def __init__(
        self,
        *,
        classes: int,
        size: tuple[int, int],
        ends: Literal["well", "error", "full", "kill", "crash", "preempted"] = "well",
        at: int = 3,
        trap: str = "",
        pause: float = 0.0,
        number: int = 0,
    ) -> None:
        super().__init__()
        self.generator = Shades(classes)
        self.ends, self.at, self.trap, self.pause = ends, at, trap, pause
        self.steps = 0

    def get_extra_state(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        self.steps += 1
        time.sleep(self.pause)
        if self.steps == self.at and (not self.trap or Path(self.trap).exists()):
            if self.ends == "error":
                raise RuntimeError("out of luck")
            if self.ends == "full":
                with Path("/dev/full").open("wb") as file:
                    torch.save(self.state_dict(), file)
            if self.ends in ("kill", "crash"):
                os.kill(os.getpid(), signal.SIGKILL if self.ends == "kill" else signal.SIGSEGV)
            if self.ends == "preempted":
                Path(self.trap).unlink()
                os.kill(os.getpid(), signal.SIGUSR2)
        codes = Codes({"global": torch.randn(len(batch), 3, device=batch.label.device)}, self.code_specs)
        loss = (self.generator(batch.label, codes) - batch.image).square().mean()
        optimizers["generator"].update_params(loss)
        return {"loss": loss.detach()}
