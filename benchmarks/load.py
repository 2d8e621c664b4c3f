"""Load test of the app: many visitors colour at once; errors, waiting times, fairness, memory.

``python -m benchmarks.load --visitors 20 --minutes 5 -o benchmarks/load.json``
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file

from benchmarks.inference import drawing
from benchmarks.page import QUEUE_FULL, ServedPage, kind_of, serving
from sketchcolor.training.hardware import processor

SIDE = 512  # px of the sketch, and the working resolution
PAUSE_WHEN_FULL = 1.0  # s until a visitor tries again after the queue was full


@dataclass
class Visitor:
    """A visitor who asks for the next picture as soon as the last one has arrived.

    Attributes:
        seconds: waiting time of each picture.
        errors: how often each kind of error occurred.
    """

    number: int
    address: str
    folder: Path
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def visit(self, sketch: Path, seconds: float, start_line: threading.Barrier) -> None:
        """Connects, waits for the others, then starts pictures for that many seconds."""
        client = Client(self.address, verbose=False, download_files=str(self.folder))
        start_line.wait()
        until = time.monotonic() + seconds
        seed = 0
        while time.monotonic() < until:
            seed += 1
            start = time.perf_counter()
            try:
                client.predict(
                    handle_file(str(sketch)),
                    seed=1000 * self.number + seed,
                    resolution=SIDE,
                    api_name="/colour_automatic",
                )
            except Exception as error:  # every error that a visitor can get is counted
                self.errors[kind_of(error)] += 1
                if kind_of(error) == QUEUE_FULL:
                    time.sleep(PAUSE_WHEN_FULL)
            else:
                self.seconds.append(time.perf_counter() - start)


def crowd(page: ServedPage, visitors: int, seconds: float, folder: Path) -> dict:
    """Lets that many visitors colour at once.

    Args:
        page: the running app.
        visitors: how many.
        seconds: for how long they start new pictures.
        folder: for the sketch and the pictures that are downloaded.

    Returns:
        The report; times in seconds, memory in MiB.
    """
    sketch = folder / "sketch.png"
    drawing((SIDE, SIDE)).save(sketch)
    people = [
        Visitor(number, page.address, folder / f"visitor-{number}") for number in range(visitors)
    ]
    start_line = threading.Barrier(visitors + 1)
    threads = [
        threading.Thread(target=person.visit, args=(sketch, seconds, start_line))
        for person in people
    ]
    memory = {"start": page.resident_mib()}
    for thread in threads:
        thread.start()
    start_line.wait()
    start = time.monotonic()
    time.sleep(seconds / 2)
    memory["middle"] = page.resident_mib()
    for thread in threads:
        thread.join()
    memory["end"] = page.resident_mib()
    return report(people, time.monotonic() - start) | {"resident_mib": memory}


def report(people: list[Visitor], seconds: float) -> dict:
    """Counts, waiting times and fairness of all visitors together."""
    waited = [each for person in people for each in person.seconds]
    errors = sum((person.errors for person in people), Counter())
    full = errors.pop(QUEUE_FULL, 0)
    counts = [len(person.seconds) for person in people]
    percentiles = (50, 90, 95, 99, 100)
    times = np.percentile(waited, percentiles) if waited else []
    return {
        "visitors": len(people),
        "seconds": seconds,
        "requests": len(waited) + errors.total() + full,
        "pictures": len(waited),
        "queue_full": full,
        "errors": dict(errors),
        "latency": {f"p{each}": float(t) for each, t in zip(percentiles, times, strict=False)},
        "pictures_per_visitor": counts,
        "fairness": {"fewest": min(counts), "most": max(counts)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--model", help="folder or Hub id; the bundled model otherwise")
    parser.add_argument("-o", "--output", type=Path, help="JSON file for the report")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with serving(Path(folder), arguments.model) as page:
            measured = crowd(page, arguments.visitors, 60 * arguments.minutes, Path(folder))
    measured["processor"] = processor()
    text = json.dumps(measured, indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
