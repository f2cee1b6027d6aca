"""`zoo studio` as a process of its own, as a user starts it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def running(*words: object, warning: str | None = None) -> Iterator[str]:
    """The address of ``zoo studio WORDS``, which must end by Ctrl-C with exit code 0.

    It must print nothing else, or one line with the word ``warning``.
    """
    command = [sys.executable, "-m", "cli", "studio", *map(str, words), "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.fullmatch(r"The studio is at (http://127\.0\.0\.1:\d+) \(press Ctrl-C to stop\)\.\n", line)
        assert address is not None, process.communicate()
        yield address[1]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert err == "" and process.returncode == 0
        assert out == "" if warning is None else (warning in out and out.count("\n") == 1)
    finally:
        process.kill()
