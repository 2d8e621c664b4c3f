"""Runs the app in a process of its own, for benchmarks that call it from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIRST_ANSWER = 300  # s until the app must answer; a busy machine takes long to import torch
QUEUE_FULL = "queue is full"


@dataclass(frozen=True)
class ServedPage:
    """A running app.

    Attributes:
        address: its URL with a slash at the end.
        process: id of the server's process.
    """

    address: str
    process: int

    def resident_mib(self) -> float:
        """Resident memory of the server's process."""
        for line in Path(f"/proc/{self.process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise OSError("This system does not report VmRSS; run the benchmark on Linux.")


@contextmanager
def serving(folder: Path, model: str | None = None) -> Iterator[ServedPage]:
    """Runs ``app.py`` until the ``with`` block ends.

    Args:
        folder: where the server's log and cache are written.
        model: folder or Hub id; None is the bundled model.

    Raises:
        RuntimeError: the app has ended or does not answer.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "cache"),
    }
    if model is not None:
        environment["SKETCHCOLOR_MODEL"] = model
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        page = ServedPage(f"http://127.0.0.1:{port}/", server.pid)
        _wait_until_healthy(page, server, log)
        yield page
    finally:
        server.terminate()
        server.wait(timeout=60)


def kind_of(error: Exception) -> str:
    """The name under which an error is counted: `QUEUE_FULL`, or else its first line."""
    text = str(error).strip()
    if QUEUE_FULL in text.lower():
        return QUEUE_FULL
    return text.partition("\n")[0][:160] or type(error).__name__


def _wait_until_healthy(page: ServedPage, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + FIRST_ANSWER
    while True:
        try:
            urllib.request.urlopen(page.address + "health", timeout=5).close()
            return
        except (OSError, urllib.error.HTTPError) as error:
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"The app does not answer, see {log}: {error}") from error
            time.sleep(0.5)
