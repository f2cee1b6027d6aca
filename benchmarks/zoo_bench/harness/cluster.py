"""Running cells as cluster jobs with submitit, an optional dependency."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo_bench.cell import CellBusyError
from zoo_bench.harness.local import Ended, Executor

MINUTES = 24 * 60
"""Default time limit of a job; a cell that needs longer continues in another job."""
TIMEOUTS = 100
"""Maximum number of such continuations."""


class CellJob:
    """The function of one job, which submitit sends to another machine.

    A job that is preempted or runs out of time is queued again and continues from its last checkpoint.
    """

    def __init__(self, folder: Path, plugins: Sequence[Path]) -> None:
        self.folder, self.plugins = folder, plugins

    def __call__(self) -> str | None:
        """Why another process has the cell, or None."""
        from zoo.plugins import load_plugins
        from zoo_bench.harness.worker import run_cell

        load_plugins(self.plugins)
        try:
            run_cell(self.folder)
        except CellBusyError as error:
            return str(error)
        return None

    def checkpoint(self) -> Any:
        """Called by submitit before it queues the job again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


class Jobs(Executor):
    """One job per cell.

    Args:
        out: The bench folder, shared by all machines; submitit's files are in its ``jobs/``.
        plugins: Plugins to load in every job.
        at_once: Maximum number of parallel jobs; None for no limit.
        settings: Parameters of the jobs, under submitit's names or those of sbatch (partition, gres, time in minutes,
            account, ...).
        cluster: submitit's executor: "slurm", or "local" in tests.
    """

    def __init__(
        self,
        out: Path,
        plugins: Sequence[Path] = (),
        *,
        at_once: int | None = None,
        settings: Mapping[str, str] | None = None,
        cluster: str = "slurm",
    ) -> None:
        try:
            import submitit
        except ImportError as error:
            raise ZooError(
                "--executor slurm needs the package submitit: install it with `pip install 'zoo-smis[slurm]'`, or "
                "`uv sync --extra slurm` in a checkout."
            ) from error
        self.jobs, self._plugins = at_once, plugins
        self._running: dict[Path, Any] = {}
        try:
            self._executor = submitit.AutoExecutor(out / "jobs", cluster=cluster, slurm_max_num_timeout=TIMEOUTS)
            self._executor.update_parameters(**parameters(settings or {}))
        except (RuntimeError, ValueError, NameError, AssertionError, TypeError) as error:
            raise ZooError(
                f"No job can be sent to {cluster} ({_first_line(error)}): run it where sbatch is available, and "
                "check --slurm."
            ) from error

    @property
    def free(self) -> int:
        """Number of further jobs that may be queued now."""
        return 1 if self.jobs is None else self.jobs - len(self._running)

    def start(self, folder: Path) -> None:
        """Queue the job of a cell. Raises ZooError where the cluster refuses it."""
        from submitit.core.utils import FailedJobError

        try:
            self._running[folder] = self._executor.submit(CellJob(folder, self._plugins))
        except (FailedJobError, OSError) as error:
            raise ZooError(f"The cluster refused the job of {folder.name}: {_first_line(error)}.") from error

    def wait(self, seconds: float) -> list[Ended]:
        """The cells whose jobs have ended."""
        over = [folder for folder, job in self._running.items() if job.done()]
        if not over:
            time.sleep(seconds)
        return [_outcome(folder, self._running.pop(folder)) for folder in over]

    def stop(self) -> None:
        """Cancel the jobs; a training has the time that the cluster grants (often 30 s) to save itself."""
        for job in self._running.values():
            job.cancel(check=False)


def parameters(settings: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a job for submitit. Raises ZooError if the time is not a number of minutes."""
    from submitit.slurm.slurm import SlurmExecutor

    known = SlurmExecutor._valid_parameters()
    values: dict[str, Any] = {"slurm_time": MINUTES, "name": "zoo-bench", "timeout_min": MINUTES}
    others: dict[str, str] = {}
    for key, value in settings.items():
        name = key.replace("-", "_")
        if name == "time" and not value.isdigit():
            raise ZooError(
                f"--slurm time={value} is not a whole number of minutes; write time=90 for an hour and a half."
            )
        if name in known:
            values[f"slurm_{name}"] = int(value) if value.isdigit() else value
        else:
            others[key] = value
    return values | ({"slurm_additional_parameters": others} if others else {})


def _outcome(folder: Path, job: Any) -> Ended:
    error = job.exception()
    if error is None:
        busy = job.result()
        return Ended(folder, "done") if busy is None else Ended(folder, "busy", busy)
    return Ended(folder, "died", f"ended in job {job.job_id} (state {job.state}): see {job.paths.stderr}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
