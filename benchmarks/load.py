"""Does the page stand up? Visitors who all colour at once: errors, waiting, fairness, memory.

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
PAUSE_WHEN_FULL = 1.0  # s until a visitor who found the queue full asks again


@dataclass
class Visitor:
    """One visitor, who asks again as soon as they have their picture.

    Attributes:
        seconds: waiting time of each picture.
        errors: kind → how often.
    """

    number: int
    address: str
    folder: Path
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def visit(self, sketch: Path, seconds: float, door: threading.Barrier) -> None:
        """Comes in, waits for the others, colours for that long; what has begun is waited for."""
        client = Client(self.address, verbose=False, download_files=str(self.folder))
        door.wait()
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
            except Exception as error:  # whatever a visitor may meet is counted
                self.errors[kind_of(error)] += 1
                if kind_of(error) == QUEUE_FULL:
                    time.sleep(PAUSE_WHEN_FULL)
            else:
                self.seconds.append(time.perf_counter() - start)


def crowd(page: ServedPage, visitors: int, seconds: float, folder: Path) -> dict:
    """All visitors at once for that long.

    Args:
        page: where they go.
        visitors: how many.
        seconds: for how long they begin new pictures.
        folder: for the sketch and what they download.

    Returns:
        The report; times in seconds, memory in MiB.
    """
    sketch = folder / "sketch.png"
    drawing((SIDE, SIDE)).save(sketch)
    people = [
        Visitor(number, page.address, folder / f"visitor-{number}") for number in range(visitors)
    ]
    door = threading.Barrier(visitors + 1)
    threads = [
        threading.Thread(target=person.visit, args=(sketch, seconds, door)) for person in people
    ]
    memory = {"start": page.resident_mib()}
    for thread in threads:
        thread.start()
    door.wait()
    start = time.monotonic()
    time.sleep(seconds / 2)
    memory["middle"] = page.resident_mib()
    for thread in threads:
        thread.join()
    memory["end"] = page.resident_mib()
    return report(people, time.monotonic() - start) | {"resident_mib": memory}


def report(people: list[Visitor], seconds: float) -> dict:
    """What the visitors lived through in that time."""
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
