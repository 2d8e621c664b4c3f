"""Style transfer: the paper's two optimisers, the fast mode beside them, and the slim network.

``python -m benchmarks.style_transfer --vgg19 FILE --sketches lineart --styles paintings
-o benchmarks/style_transfer.json``

Every loss is computed with the full VGG-19, whichever network a picture was made with. There are
two: equation 7 of Grover & Banker as published, and the fast mode's, in which every layer is
weighted by the size of its target. Content images are sketches coloured by our model. Results that
are already in the JSON file and an existing sheet are kept, so an interrupted run can be continued.
With ``--only optimisers`` nothing is measured but the curves that the chart is drawn from.

The curves are those of figures 22 and 23 of Grover & Banker, from white noise as published. Rows of
the JSON file with "L-BFGS clamped" in their names are from before pixels were kept in their range
by the optimiser itself, see `sketchcolor.style.optimisation`; today's losses are lower.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.machine import memory_mib
from benchmarks.pictures import existing_file, existing_folder, find_picture
from benchmarks.sheet import paste_rows, tile
from sketchcolor import load_pipeline
from sketchcolor.evaluation.plots import line_chart
from sketchcolor.images import read_image, read_sketch
from sketchcolor.style import pictures as styles
from sketchcolor.style.blend import stylize
from sketchcolor.style.network import load_style_network
from sketchcolor.style.optimisation import Progress
from sketchcolor.style.settings import FAITHFUL, FAST, Scale, Settings, Style
from sketchcolor.style.transfer import StyleTransfer

# Beginnings of the file names of sketches and of paintings.
CONTENTS = ("09", "10", "14", "17", "19", "21")
PAINTINGS = ("van_gogh", "hokusai", "munch", "turner", "kandinsky", "red_chalk")
OPTIMISERS = {"lbfgs": "L-BFGS", "adam": "Adam"}
MEASURES = ("slim", "published", "optimisers", "sheet", "normalised")
SHEET_SKETCHES = 4


class Watch:
    """Losses by iteration, seconds to the first preview, and the process's peak memory."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.first_preview: float | None = None

    def __call__(self, progress: Progress) -> None:
        self.losses.append(progress.loss)
        if self.first_preview is None:
            progress.preview  # noqa: B018 (making the preview is part of the waiting time)
            self.first_preview = time.perf_counter() - self.started

    def __enter__(self) -> Watch:
        self.peak_mib, self.over = 0.0, threading.Event()
        self.sampler = threading.Thread(target=self._sample)
        self.sampler.start()
        self.started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self.started
        self.over.set()
        self.sampler.join()

    def _sample(self) -> None:
        while not self.over.wait(0.05):
            self.peak_mib = max(self.peak_mib, memory_mib("VmRSS"))


def coloured(sketches: Path) -> Iterator[tuple[Image.Image, Image.Image]]:
    """(sketch, colouring by the bundled model) of each of `CONTENTS`."""
    pipeline = load_pipeline()
    for start in CONTENTS:
        sketch = read_sketch(find_picture(sketches, start))
        yield sketch, pipeline(sketch, seed=1).images[0]


def measure_optimisers(
    transfer: StyleTransfer, content: Image.Image, style: Style, side: int, iterations: int
) -> dict[str, Any]:
    """Loss of L-BFGS and of Adam at every tenth iteration, from white noise as published.

    ``kept`` has the losses of the two finished pictures, rounded to 8 bits as they are saved.
    """
    faithful = replace(FAITHFUL, scales=(Scale(side, iterations),))
    shown = [1, *range(10, iterations + 1, 10)]
    found: dict[str, Any] = {"iteration": shown, "kept": {}}
    for optimizer in OPTIMISERS:
        settings = replace(faithful, optimizer=optimizer)
        with Watch() as watch:
            picture = transfer(content, [style], settings, on_step=watch)
        found[optimizer] = [watch.losses[iteration - 1] for iteration in shown]
        found["kept"][optimizer] = transfer.loss(picture, content, [style], settings)
        print(f"{optimizer} at {side}: {watch.losses[-1]:.4g} at the end", flush=True)
    return found


def judge(
    real: StyleTransfer, picture: Image.Image, content: Image.Image, style: Style, side: int
) -> dict[str, float]:
    """Losses of a picture, computed with the full network, in both weightings."""
    return {
        name: real.loss(picture, content, [style], settings.at(side))
        for name, settings in (("published", FAITHFUL), ("normalised", FAST))
    }


def measure_ways(
    ways: dict[str, tuple[StyleTransfer, Settings]],
    real: StyleTransfer,
    content: Image.Image,
    style: Style,
) -> dict[str, dict]:
    """Seconds, losses and memory of several networks and settings for the same picture."""
    found = {}
    for name, (transfer, settings) in ways.items():
        with Watch() as watch:
            picture = transfer(content, [style], settings, on_step=watch)
        found[name] = {
            "seconds": watch.seconds,
            "iterations": len(watch.losses),
            "first_preview_seconds": watch.first_preview,
            "loss": judge(real, picture, content, style, settings.scales[-1].side),
            "peak_mib": watch.peak_mib,
        }
        print(name, found[name], flush=True)
    return found


def measure_slim(
    real: StyleTransfer,
    slim: StyleTransfer,
    pairs: list[tuple[Image.Image, Style]],
    settings: Settings,
) -> list[dict[str, dict]]:
    """Final losses of both networks on the same pairs after the same number of iterations."""
    settings = replace(settings, plateau=0.0)
    side = settings.scales[-1].side
    rows = []
    for content, style in pairs:
        losses = {
            name: judge(real, transfer(content, [style], settings), content, style, side)
            for name, transfer in (("real", real), ("slim", slim))
        }
        start = judge(real, content, content, style, side)
        ratio = {name: losses["slim"][name] / losses["real"][name] for name in start}
        rows.append({"start": start, **losses, "ratio": ratio})
        print(rows[-1], flush=True)
    return rows


def plot(found: dict[str, Any]) -> Image.Image:
    """A chart of loss against iteration, like figures 22 and 23 of Grover & Banker.

    Args:
        found: of `measure_optimisers`.
    """
    lines = {label: np.log10(found[name]) for name, label in OPTIMISERS.items()}
    return line_chart("log10 of the loss, equation 7", "iteration", found["iteration"], lines)


def make_sheet(pictures: list[tuple[Image.Image, Image.Image]], slim: StyleTransfer) -> Image.Image:
    """A sheet of all content images in all built-in styles, with the app's default settings."""
    rows = [[tile(picture) for _, picture in pictures]]
    for name in styles.BUILT_IN:
        style = [Style(styles.built_in(name))]
        rows.append([tile(stylize(p, style, slim, sketch=sketch)) for sketch, p in pictures])
    return paste_rows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--vgg19", type=existing_file, required=True, help="the full VGG-19, safetensors"
    )
    parser.add_argument(
        "--sketches", type=existing_folder, required=True, help="folder of the sketches"
    )
    parser.add_argument("--styles", type=existing_folder, required=True, help="folder of paintings")
    parser.add_argument("--side", type=int, default=512, help="px, of the fast mode's comparison")
    parser.add_argument("--iterations", type=int, default=500, help="of the faithful mode")
    parser.add_argument("--curve-side", type=int, default=128, help="px, of the optimisers' curves")
    parser.add_argument("--curve-iterations", type=int, default=1000)
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=MEASURES)
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON; pictures beside it")
    args = parser.parse_args()

    real, slim = (StyleTransfer(load_style_network(source)) for source in (args.vgg19, None))
    files = [find_picture(args.styles, start) for start in PAINTINGS]
    paintings = [Style(read_image(file)) for file in files]
    report = json.loads(args.output.read_text()) if args.output.exists() else {}
    pictures: list[tuple[Image.Image, Image.Image]] = []

    def contents() -> list[tuple[Image.Image, Image.Image]]:
        pictures.extend(coloured(args.sketches) if not pictures else [])
        return pictures

    def note(name: str, measure: Callable[[], object]) -> None:
        if name not in report and name.partition(" ")[0] in args.only:
            report[name] = measure()
            args.output.write_text(json.dumps(report, indent=2) + "\n")

    def slim_pairs() -> list[dict[str, dict]]:
        styled = zip(contents(), paintings, strict=True)
        pairs = [(picture, style) for (_, picture), style in styled]
        return measure_slim(real, slim, pairs, FAST.at(half))

    def ways(settings: dict[str, tuple[StyleTransfer, Settings]]) -> dict[str, dict]:
        return measure_ways(settings, real, contents()[0][1], paintings[0])

    side, half = args.side, args.side // 2
    one_size = replace(FAITHFUL, scales=(Scale(side, args.iterations),))
    fast = FAST.at(side)
    published = {
        "fast, slim network": (slim, fast),
        "fast": (real, fast),
        "fast, published weighting": (real, replace(fast, normalised=False)),
        "faithful": (real, one_size),
    }
    normalised = {
        "fast": (real, FAST.at(half)),
        "one size, from noise": (real, replace(one_size.at(half), normalised=True)),
    }
    curves = f"optimisers at {args.curve_side}"
    note("slim", slim_pairs)
    note(f"published at {side}", lambda: ways(published))
    note(
        curves,
        lambda: measure_optimisers(
            real, contents()[0][1], paintings[0], args.curve_side, args.curve_iterations
        ),
    )
    if curves in report:
        plot(report[curves]).save(args.output.with_suffix(".png"))
    sheet = args.output.with_suffix(".jpg")
    if "sheet" in args.only and not sheet.exists():
        make_sheet(contents()[:SHEET_SKETCHES], slim).save(sheet, quality=85)
    note(f"normalised at {half}", lambda: ways(normalised))


if __name__ == "__main__":
    main()
