"""The first model of a user who has none: a toy run on procedural pictures, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from zoo.config import resolve
from zoo.engine.folder import RunFolder
from zoo.environment import cache_dir
from zoo.studio.leash import leashed
from zoo.studio.wire import file_uri

METHOD, DATA, PROFILE = "clvae", "deepfashion", "smoke"
SHOWN = ("train.log_every=1", "train.sample_every=5")
"""Settings that change nothing but how often there is something to see."""

GRACE = 5.0
"""Seconds that the process has to end by itself."""


class Training:
    """`zoo train` as a child process that leaves a finished run in ``home``, or nothing; it ends with this process.

    The run is kept in the cache, so that it is trained once; until it is finished it lies in a folder of its own, which
    two studios do not share.
    """

    def __init__(self, device: str = "auto", home: Path | None = None) -> None:
        config = resolve(METHOD, DATA, PROFILE, SHOWN)
        self.home = (home or cache_dir() / "studio").resolve()
        self.device = device
        self.total = config.train.iterations or 0
        self.folder = RunFolder(self.home / f"{METHOD}-{DATA}-{config.hash()}")
        self._workshop = self.home / f".{self.folder.path.name}.{os.getpid()}"
        self._current = RunFolder(self._workshop / "run")
        self._said = self._workshop / "said.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self.failure: str | None = None

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint of the finished run, if it is there."""
        return self.folder.latest if self.folder.latest.is_file() else None

    @property
    def data_root(self) -> Path | None:
        """The procedural pictures of the finished run, whose path is relative to ``home``; None where they are gone."""
        root = self.home / json.loads(self.folder.record.read_text())["data"]["root"]
        return root if root.is_dir() else None

    def begin(self) -> None:
        """Start the process, in its own folder, where the procedural pictures are drawn, too."""
        self._workshop.mkdir(parents=True, exist_ok=True)
        words = ["train", METHOD, "--data", DATA, "--profile", PROFILE, "--work-dir", str(self._current.path)]
        words += [word for setting in (*SHOWN, f"train.device={self.device}") for word in ("--set", setting)]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                leashed(self._workshop, "cli", words),
                cwd=self._workshop,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                # Ctrl-C in the terminal goes to the studio, which ends its child itself
                start_new_session=True,
            )

    def poll(self) -> bool:
        """Whether the run is finished; a process that ended is cleared away. Sets ``failure`` where it broke."""
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            self._let_go(self._process)
            if code == 0:
                self._publish()
            else:
                self.failure = f"The training of the first model ended early: {self._last_words(code)}"
            self._clear()
        return self.checkpoint is not None

    def status(self) -> dict[str, Any]:
        """How far it is, as plain values for the page."""
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
        """Stop the process, if it runs, and leave nothing unfinished behind."""
        if self._process is not None:
            process = self._process
            self._let_go(process)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._clear()

    def _let_go(self, process: subprocess.Popen[bytes]) -> None:
        """Close the pipe that keeps the process running."""
        assert process.stdin is not None, "it was started with a pipe"
        process.stdin.close()
        self._process = None

    def _done(self) -> int:
        try:
            lines = self._current.log.read_text().splitlines()
            return int(json.loads(lines[-1])["iteration"])
        except (OSError, IndexError, ValueError):  # not there yet, or a line that is being written
            return 0

    def _publish(self) -> None:
        """The run comes last, so that its pictures are there. Another studio may have been faster with either."""
        drawn = json.loads(self._current.record.read_text())["data"]["root"]
        pictures, run = self.home / drawn, self.folder.path
        pictures.parent.mkdir(parents=True, exist_ok=True)
        for made, kept, whole in (
            (self._workshop / drawn, pictures, pictures),
            (self._current.path, run, self.folder.latest),
        ):
            try:
                made.rename(kept)
            except OSError:
                if not whole.exists():
                    raise

    def _last_words(self, code: int) -> str:
        lines = self._said.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("Error: ") if lines else f"it returned {code} and said nothing."

    def _clear(self) -> None:
        shutil.rmtree(self._workshop, ignore_errors=True)
