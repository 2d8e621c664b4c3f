"""Sends damaged pictures, strokes and settings to the app's API and counts how it answers.

``python -m benchmarks.fuzz --cases 2000 -o benchmarks/fuzz.json``

A good answer is a picture or an error that says in a sentence what is wrong. HTTP 5xx, a traceback
and an error without a sentence are bad.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.inference import drawing
from benchmarks.page import serving

SIDE = 96  # px of the picture that is mutated
RESOLUTION = 384
PATIENCE = 120  # s for one answer
PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
GOOD = ("picture", "sentence", "HTTP 4xx")
TRACES = ("Traceback (most recent call last)", 'File "/')
# What a faulty caller may send in place of a value.
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 3, 10**9, 2**63, 1.5, float("1e308"), "", "512", "\x00", "🖍" * 500),
    *([], [[]], {}, {"color": "red"}, [None] * 50),
)


@dataclass(frozen=True)
class Case:
    """One request.

    Attributes:
        endpoint: its ``api_name``.
        pictures: files that are uploaded first.
        data: the arguments, with an `Upload` for each picture.
    """

    endpoint: str
    pictures: tuple[bytes, ...]
    data: list[Any]


@dataclass(frozen=True)
class Upload:
    """Stands for one of a case's pictures among its arguments."""

    index: int


def cases(count: int, seed: int = 0) -> list[Case]:
    """That many cases; the same seed gives the same ones."""
    rng = np.random.default_rng(seed)
    kinds = (_automatic, _hints, _palette, _palette_of_picture)
    return [kinds[int(rng.integers(len(kinds)))](rng) for _ in range(count)]


def mutated_picture(rng: np.random.Generator) -> bytes:
    """A drawing encoded in some format and mode, then cut short, damaged or left as it is."""
    size = tuple(int(side) for side in rng.integers(1, 2 * SIDE, 2))
    page = drawing(size, int(rng.integers(2**31)))
    mode = str(rng.choice(["L", "RGB", "1"]))
    encoded = io.BytesIO()
    page.convert(mode).save(encoded, str(rng.choice(PICTURE_FORMATS)))
    content = bytearray(encoded.getvalue())
    match int(rng.integers(5)):
        case 0:
            return bytes(content)
        case 1:
            return bytes(content[: int(rng.integers(len(content)))])
        case 2:
            for place in rng.integers(0, len(content), int(rng.integers(1, 40))):
                content[place] = int(rng.integers(256))
        case 3:
            place = int(rng.integers(len(content)))
            content[place:place] = rng.bytes(int(rng.integers(1, 400)))
        case 4:
            head = content[: min(len(content), 64)]
            for place in rng.integers(0, len(head), 4):
                content[place] ^= 1 << int(rng.integers(8))
    return bytes(content)


def mutated_strokes(rng: np.random.Generator) -> Any:
    """Strokes as a program sends them, with a fault in them, or another value in their place."""
    stroke: dict[str, Any] = {"color": "#c03040", "width": 6, "points": [[10, 10], [50, 40]]}
    match int(rng.integers(5)):
        case 0:
            stroke["points"] = rng.normal(0, 10 ** rng.integers(1, 9), (5, 2)).tolist()
        case 1:
            stroke[str(rng.choice([*stroke]))] = _odd(rng)
        case 2:
            del stroke[str(rng.choice([*stroke]))]
        case 3:
            text = json.dumps([stroke])
            return text[: int(rng.integers(len(text)))]
        case 4:
            return _odd(rng)
    return json.dumps([stroke] * int(rng.integers(1, 4)))


def send(client: httpx.Client, case: Case) -> str:
    """Sends a case and waits for the answer.

    Returns:
        One of `GOOD`, or ``HTTP 5xx``, ``traceback`` or ``silent error``.
    """
    files = []
    for content in case.pictures:
        answer = client.post("gradio_api/upload", files={"files": ("sketch.png", content)})
        if answer.status_code != 200:
            return _status(answer)
        files.append(answer.json()[0])
    data = [_file(files[v.index]) if isinstance(v, Upload) else v for v in case.data]
    answer = client.post(f"gradio_api/call/{case.endpoint}", json={"data": data})
    if answer.status_code != 200:
        return _status(answer)
    event = answer.json()["event_id"]
    answer = client.get(f"gradio_api/call/{case.endpoint}/{event}", timeout=PATIENCE)
    if answer.status_code != 200:
        return _status(answer)
    return _outcome(answer.text)


def run(address: str, tried: list[Case]) -> dict:
    """Sends all cases one after the other; counts the outcomes, in all and for each endpoint."""
    outcomes: Counter[str] = Counter()
    by_endpoint: dict[str, Counter[str]] = {}
    bad: list[dict[str, Any]] = []
    with httpx.Client(base_url=address, timeout=PATIENCE) as client:
        for number, case in enumerate(tried):
            try:
                outcome = send(client, case)
            except httpx.HTTPError as error:
                outcome = f"no end: {type(error).__name__}"
            outcomes[outcome] += 1
            by_endpoint.setdefault(case.endpoint, Counter())[outcome] += 1
            if outcome not in GOOD:
                bad.append({"case": number, "endpoint": case.endpoint, "outcome": outcome})
        alive = client.get("").status_code == 200
    return {
        "cases": len(tried),
        "outcomes": dict(outcomes),
        "by_endpoint": {name: dict(counts) for name, counts in by_endpoint.items()},
        "bad": bad,
        "page_is_up": alive,
    }


def _status(answer: httpx.Response) -> str:
    if any(trace in answer.text for trace in TRACES):
        return "traceback"
    return f"HTTP {answer.status_code // 100}xx"


def _outcome(events: str) -> str:
    if any(trace in events for trace in TRACES):
        return "traceback"
    last, _, content = events.strip().rpartition("\n")
    if last.rstrip().endswith("event: complete"):
        return "picture"
    error = json.loads(content.removeprefix("data: ") or "null")
    sentence = error.get("error") if isinstance(error, dict) else error
    return "sentence" if sentence else "silent error"


def _file(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def _odd(rng: np.random.Generator) -> Any:
    return ODD_VALUES[int(rng.integers(len(ODD_VALUES)))]


def _settings(rng: np.random.Generator) -> list[Any]:
    """Arguments from the seed to the background; in a third of the cases one of them is odd."""
    settings: list[Any] = [int(rng.integers(1000)), 1, RESOLUTION, True, True, None, False]
    if rng.random() < 1 / 3:
        settings[int(rng.integers(len(settings)))] = _odd(rng)
    return settings


def _colouring(
    endpoint: str, asked: Callable[[np.random.Generator], list], rng: np.random.Generator
) -> Case:
    return Case(endpoint, (mutated_picture(rng),), [Upload(0), *asked(rng), *_settings(rng)])


def _mutated_palette(rng: np.random.Generator) -> list[Any]:
    text = "#c03040:0.6 #f6d57a:0.4"
    place = int(rng.integers(len(text)))
    options = ("night-city", text, text[:place] + chr(int(rng.integers(1, 500))) + text[place:])
    return [_odd(rng) if rng.random() < 0.3 else options[int(rng.integers(3))]]


def _palette_of_picture(rng: np.random.Generator) -> Case:
    return Case("palette_of_picture", (mutated_picture(rng),), [Upload(0)])


_automatic = partial(_colouring, "colour_automatic", lambda rng: [])
_hints = partial(_colouring, "colour_hints", lambda rng: [mutated_strokes(rng)])
_palette = partial(_colouring, "colour_palette", _mutated_palette)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="folder or Hub id; the bundled model otherwise")
    parser.add_argument("-o", "--output", type=Path, help="JSON file for the report")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with serving(Path(folder), arguments.model) as page:
            measured = run(page.address, cases(arguments.cases, arguments.seed))
    text = json.dumps({"seed": arguments.seed, **measured}, indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
