"""Training a toy model on procedural pictures, in a process of its own, for users without a checkpoint."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from zoo.config import resolve
from zoo.engine.folder import RunFolder
from zoo.files import cache_dir
from zoo.studio.subprocess_guard import run_until_stdin_closes
from zoo.studio.wire import file_uri

METHOD, DATA, PROFILE = "clvae", "deepfashion", "smoke"
SETTINGS = ("train.log_every=1", "train.sample_every=5")
"""Logging settings for the progress shown on the page; they do not affect the model."""

STOP_SECONDS = 5.0
"""Time for the process to stop by itself."""


class Training:
    """`zoo train` as a child process, which ends with this process and leaves a finished run in ``home`` or nothing.

    The run is cached, so that it is trained only once. Until it is finished, it is in a temporary folder, so that
    several studios can train at the same time.

    Args:
        device: "cpu", "cuda", or "auto".
        home: Where runs are kept; None for the cache.
    """

    def __init__(self, device: str = "auto", home: Path | None = None) -> None:
        config = resolve(METHOD, DATA, PROFILE, SETTINGS)
        self.home = (home or cache_dir() / "studio").resolve()
        self.device = device
        self.total = config.train.iterations or 0
        self.folder = RunFolder(self.home / f"{METHOD}-{DATA}-{config.hash()}")
        self._temporary = self.home / f".{self.folder.path.name}.{os.getpid()}"
        self._current = RunFolder(self._temporary / "run")
        self._stderr = self._temporary / "stderr.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self.failure: str | None = None

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint of the finished run, or None."""
        return self.folder.latest if self.folder.latest.is_file() else None

    @property
    def data_root(self) -> Path | None:
        """The procedural pictures of the finished run; None if they were removed."""
        # the record holds a path relative to ``home``
        root = self.home / json.loads(self.folder.record.read_text())["data"]["root"]
        return root if root.is_dir() else None

    def begin(self) -> None:
        """Start the process in its temporary folder, where it also draws the procedural pictures."""
        self._temporary.mkdir(parents=True, exist_ok=True)
        arguments = ["train", METHOD, "--data", DATA, "--profile", PROFILE, "--work-dir", str(self._current.path)]
        arguments += [word for setting in (*SETTINGS, f"train.device={self.device}") for word in ("--set", setting)]
        with self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                run_until_stdin_closes(self._temporary, "zoo", arguments),
                cwd=self._temporary,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                # so that Ctrl-C in the terminal reaches the studio alone, which stops the process itself
                start_new_session=True,
            )

    def poll(self) -> bool:
        """Whether the run is finished. Cleans up after a process that has ended; sets ``failure`` if it failed."""
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            self._release(self._process)
            if code == 0:
                self._publish()
            else:
                self.failure = f"The training of the toy model failed: {self._last_line(code)}"
            self._clear()
        return self.checkpoint is not None

    def status(self) -> dict[str, Any]:
        """The progress, as JSON values for the page."""
        if self.failure is not None:
            return {"done": 0, "total": self.total, "state": "failed", "sentence": self.failure, "picture": None}
        done, picture = self._done(), max(self._current.samples.glob("iter_*.png"), default=None)
        sentence = f"Training {METHOD} on procedural pictures: iteration {done} of {self.total}."
        if not self._current.path.is_dir():
            sentence = "Drawing procedural pictures to train on."
        elif done == self.total:
            sentence = "Opening the trained model."
        shown = None if picture is None else file_uri(picture)
        return {"done": done, "total": self.total, "state": "running", "sentence": sentence, "picture": shown}

    def end(self) -> None:
        """Stop the process, if it runs, and remove what is unfinished."""
        if self._process is not None:
            process = self._process
            self._release(process)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._clear()

    def _release(self, process: subprocess.Popen[bytes]) -> None:
        """Close the pipe that keeps the process running (see :mod:`zoo.studio.subprocess_guard`)."""
        assert process.stdin is not None, "it was started with a pipe"
        process.stdin.close()
        self._process = None

    def _done(self) -> int:
        try:
            lines = self._current.log.read_text().splitlines()
            return int(json.loads(lines[-1])["iteration"])
        except (OSError, IndexError, ValueError):  # no log yet, or an incomplete line
            return 0

    def _publish(self) -> None:
        """Move pictures and then the run to where they are kept, unless another studio has done so already."""
        drawn = json.loads(self._current.record.read_text())["data"]["root"]
        pictures, run = self.home / drawn, self.folder.path
        pictures.parent.mkdir(parents=True, exist_ok=True)
        for made, kept, complete in (
            (self._temporary / drawn, pictures, pictures),
            (self._current.path, run, self.folder.latest),
        ):
            try:
                made.rename(kept)
            except OSError:
                if not complete.exists():
                    raise

    def _last_line(self, code: int) -> str:
        lines = self._stderr.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("Error: ") if lines else f"exit code {code}."

    def _clear(self) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)
