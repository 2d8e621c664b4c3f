"""The style pass: the paper's two optimisers, the fast mode against them, the slim network.

``python -m benchmarks.style_transfer --vgg19 FILE --sketches ../shared/lineart --styles
../shared/styles -o benchmarks/style_transfer.json``

Every loss is that of the real VGG-19 as published (seed 003, equation 7), whatever network and
whatever weighting a picture was painted with. Contents are real sketches coloured by our model.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from benchmarks.machine import memory_mib
from benchmarks.sheet import paste_rows, tile
from sketchcolor import load_pipeline, styles
from sketchcolor.images import read_image, read_sketch
from sketchcolor.style_networks import load_style_network
from sketchcolor.style_pass import stylize
from sketchcolor.style_transfer import (
    FAITHFUL,
    FAST,
    Progress,
    Scale,
    Settings,
    Style,
    StyleTransfer,
)

CONTENTS = ("09", "10", "14", "17", "19", "21")  # beginnings of the sketches' names
PAINTINGS = ("van_gogh", "hokusai", "munch", "turner", "kandinsky", "red_chalk")
SHEET_SKETCHES = 4


class Watch:
    """Losses by iteration, seconds to the first preview, and the process's peak memory."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.first_preview: float | None = None

    def __call__(self, progress: Progress) -> None:
        self.losses.append(progress.loss)
        if self.first_preview is None:
            progress.preview  # noqa: B018 (its making belongs to the wait)
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
        (path,) = sketches.glob(f"{start}*")
        sketch = read_sketch(path)
        yield sketch, pipeline(sketch, seed=1).images[0]


def measure_optimisers(
    transfer: StyleTransfer, content: Image.Image, style: Style, side: int, iterations: int
) -> dict[str, list[float]]:
    """Loss by iteration of L-BFGS and Adam, as published, from the content."""
    faithful = replace(FAITHFUL, scales=(Scale(side, iterations),))
    found = {}
    for optimizer in ("lbfgs", "adam"):
        with Watch() as watch:
            transfer(content, [style], replace(faithful, optimizer=optimizer), on_step=watch)
        found[optimizer] = watch.losses
        print(f"{optimizer} at {side}: {watch.losses[-1]:.4g} after {watch.seconds:.0f} s")
    return found


def measure_fast(
    real: StyleTransfer,
    slim: StyleTransfer,
    content: Image.Image,
    style: Style,
    side: int,
    iterations: int,
) -> dict[str, dict]:
    """Seconds, loss and memory of the faithful mode and of the fast one with either network."""
    judged = replace(FAITHFUL, scales=(Scale(side, iterations),))
    ways = {
        "fast, slim network": (slim, FAST.at(side)),
        "fast": (real, FAST.at(side)),
        "fast, published weighting": (real, replace(FAST.at(side), normalised=False)),
        "faithful": (real, judged),
    }
    found = {}
    for name, (transfer, settings) in ways.items():
        with Watch() as watch:
            picture = transfer(content, [style], settings, on_step=watch)
        found[name] = {
            "seconds": watch.seconds,
            "iterations": len(watch.losses),
            "first_preview_seconds": watch.first_preview,
            "loss": real.loss(picture, content, [style], judged),
            "peak_mib": watch.peak_mib,
        }
        print(name, found[name])
    return found


def measure_slim(
    real: StyleTransfer,
    slim: StyleTransfer,
    pairs: list[tuple[Image.Image, Style]],
    settings: Settings,
) -> list[dict[str, float]]:
    """Final losses, judged by the real network, of either network on the same pairs."""
    judged = replace(FAITHFUL, scales=settings.scales[-1:])
    settings = replace(settings, plateau=0.0)  # the same number of iterations for both
    rows = []
    for content, style in pairs:
        losses = {
            name: real.loss(transfer(content, [style], settings), content, [style], judged)
            for name, transfer in (("real", real), ("slim", slim))
        }
        start = real.loss(content, content, [style], judged)
        rows.append({"start": start, **losses, "ratio": losses["slim"] / losses["real"]})
        print(rows[-1])
    return rows


def plot(curves: dict[str, list[float]], path: Path) -> None:
    """Loss against iteration, like figures 22 and 23 of seed 003."""
    figure, axes = plt.subplots(figsize=(6, 4))
    for name, label in (("lbfgs", "L-BFGS"), ("adam", "Adam")):
        axes.plot(range(1, len(curves[name]) + 1), curves[name], label=label)
    axes.set(xlabel="iteration", ylabel="loss (equation 7)", yscale="log")
    axes.legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")


def make_sheet(pictures: list[tuple[Image.Image, Image.Image]], slim: StyleTransfer) -> Image.Image:
    """Contents × built-in styles, as visitors get them."""
    rows = [[tile(picture) for _, picture in pictures]]
    for name in styles.BUILT_IN:
        style = [Style(styles.built_in(name))]
        rows.append([tile(stylize(p, style, slim, sketch=sketch)) for sketch, p in pictures])
    return paste_rows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vgg19", type=Path, required=True, help="the real VGG-19, safetensors")
    parser.add_argument("--sketches", type=Path, required=True, help="folder of real sketches")
    parser.add_argument("--styles", type=Path, required=True, help="folder of paintings")
    parser.add_argument("--side", type=int, default=512, help="px, of the fast mode's comparison")
    parser.add_argument("--iterations", type=int, default=500, help="of the faithful mode")
    parser.add_argument("--curve-side", type=int, default=256, help="px, of the optimisers' curves")
    parser.add_argument("--curve-iterations", type=int, default=1000)
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON; pictures beside it")
    args = parser.parse_args()

    real, slim = (StyleTransfer(load_style_network(source)) for source in (args.vgg19, None))
    pictures = list(coloured(args.sketches))
    paintings = [
        Style(read_image(next(args.styles.glob(f"{start}*")))) for start in PAINTINGS
    ]
    pairs = [(picture, style) for (_, picture), style in zip(pictures, paintings, strict=True)]
    content, style = pairs[0]
    report: dict[str, object] = {
        "slim": measure_slim(real, slim, pairs, FAST.at(256)),
        "fast": measure_fast(real, slim, content, style, args.side, args.iterations),
    }
    curves = measure_optimisers(real, content, style, args.curve_side, args.curve_iterations)
    steps = [step for step in (1, 10, 50, 100, 200, 500, 1000) if step <= args.curve_iterations]
    report["optimisers"] = {
        "side": args.curve_side,
        "loss": {n: {step: found[step - 1] for step in steps} for n, found in curves.items()},
    }
    args.output.write_text(json.dumps(report, indent=2) + "\n")
    plot(curves, args.output.with_suffix(".png"))
    sheet = make_sheet(pictures[:SHEET_SKETCHES], slim)
    sheet.save(args.output.with_suffix(".jpg"), quality=85)


if __name__ == "__main__":
    main()
