"""Seconds between a click on the studio's page and its answer, over HTTP: for a change, and for eight previews.

    python benchmarks/speed/studio.py
    python benchmarks/speed/studio.py --size 256 --profile paper --device cuda

The weights are random, which changes no timing. A change is a painted mask with the codes as they are; the previews are
of a class that is redrawn. The aim is 3 s on two CPU cores and 0.3 s on a GPU, at 256x256 with the profile smoke, whose
models the studio trains when there is none.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

import click
import torch
import uvicorn

from zoo import checkpoints, factory
from zoo.environment import device_name
from zoo.options import PROFILES
from zoo.studio.launch import listen
from zoo.studio.server import create_app
from zoo.studio.studio_state import PREVIEWS, StudioState
from zoo.studio.wire import mask_text

AIMS = {"cpu": 3.0, "cuda": 0.3}


@click.command()
@click.option("--method", default="clvae", show_default=True)
@click.option("--data", default="deepfashion", show_default=True, help="Dataset whose number of classes counts.")
@click.option("--profile", type=PROFILES, default="smoke", show_default=True, help="Decides the widths.")
@click.option("--size", type=int, default=256, show_default=True, help="Height and width.")
@click.option("--device", default="auto", show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=7, show_default=True)
def main(method: str, data: str, profile: str, size: int, device: str, repeats: int) -> None:
    """Print a table of medians and slowest answers beside the aim."""
    with TemporaryDirectory() as folder:
        path = _checkpoint(Path(folder) / "random.pth", method, data, profile, size)
        session = StudioState.load([path], device=device)
    (model,) = session.models.values()
    click.echo(f"{model.title}, profile {profile}, {device_name(model.device)}, torch {torch.__version__}")
    click.echo(f"{'answer to':28}{'median':>10}{'slowest':>10}{'aim':>8}")
    with serving(session) as address:
        mask = _mask(len(model.table), size)
        codes = session.worker.submit(lambda: session.keep(model, model.method.sample(mask, 1, seed=0))).result()
        scene = {"model": model.id, "mask": mask_text(mask[0]), "codes": codes, "paste": None}
        redraw: dict[str, Any] = {"scene": scene, "classes": [1], "layers": None, "seed": 0}
        for name, what, body in [
            ("render", "a change", {"scene": scene}),
            ("redraw", f"a redraw, {PREVIEWS} previews", redraw),
        ]:
            seconds = [timed(f"{address}/api/{name}", body) for _ in range(repeats + 1)][1:]  # the first warms up
            aim = AIMS[model.device.type]
            click.echo(f"{what:28}{median(seconds):>8.3f} s{max(seconds):>8.3f} s{aim:>6.1f} s")


def timed(address: str, body: dict[str, Any]) -> float:
    """Seconds from sending a body to having read all of the answer."""
    begun = time.perf_counter()
    with urlopen(Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})) as answer:
        answer.read()
    return time.perf_counter() - begun


@contextmanager
def serving(session: StudioState) -> Iterator[str]:
    """The studio at a free port for the time of the block, which ends the session; yields its address."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(session), log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
        session.close()


def _checkpoint(path: Path, method: str, data: str, profile: str, size: int) -> Path:
    built = factory.build(method, data=data, size=(size, size), profile=profile, seed=0)
    checkpoints.save(path, {"config": built.config.to_dict(), "method": built.state_dict(), "ema": None})
    return path


def _mask(classes: int, size: int) -> torch.Tensor:
    """``[1, H, W]`` of 16 x 16 blocks."""
    coarse = torch.randint(0, classes, (1, 16, 16), generator=torch.Generator().manual_seed(0))
    return coarse.repeat_interleave(size // 16, 1).repeat_interleave(size // 16, 2)


if __name__ == "__main__":
    main()
