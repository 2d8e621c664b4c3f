"""Are wishes obeyed? Leak of hints, nearness of outputs to palettes, and how long a wish takes.

``python -m benchmarks.conditions --data ../shared/data -o benchmarks/conditions.json``

The hint curve itself (quality at 1, 5, 10, 50 hints) is ``python -m sketchcolor evaluate``'s.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from tqdm import tqdm

from benchmarks.inference import drawing
from benchmarks.machine import median_seconds
from sketchcolor import load_pipeline
from sketchcolor.conditions.palette import Palette, from_image
from sketchcolor.conditions.palette_files import BUILT_IN, built_in
from sketchcolor.evaluation import Batch, batches
from sketchcolor.images import to_pil
from sketchcolor.metrics import palette_distance
from sketchcolor.pipeline import MAX_VARIANTS, SketchColorPipeline
from sketchcolor.training.data import Source, load_images

SIDE = 256
INK = 0.6  # sketch values below are lines, when regions are looked for
REGION = (0.01, 0.2)  # least and greatest share of the page of a region that gets a stroke
NEIGHBOURHOOD = 0.03  # of the side: what lies this near to a region belongs to it
STROKE = 0.02  # diameter, of the side
COLORS = ((220, 40, 40), (40, 90, 220), (50, 170, 70), (240, 200, 40))


@dataclass(frozen=True)
class Stroke:
    """A dot of a colour in the middle of a closed region. Masks are S×S bool."""

    region: np.ndarray
    painted: np.ndarray
    color: tuple[int, int, int]

    def hint_map(self) -> torch.Tensor:
        """1×4×S×S."""
        hints = torch.zeros(1, 4, *self.painted.shape)
        values = torch.tensor([*(c / 127.5 - 1.0 for c in self.color), 1.0])
        hints[0, :, torch.from_numpy(self.painted)] = values[:, None]
        return hints

    def neighbourhood(self) -> np.ndarray:
        reach = 2 * round(NEIGHBOURHOOD * self.region.shape[0]) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        return cv2.dilate(self.region.astype(np.uint8), disc) > 0


def stroke_in(sketch: np.ndarray, rng: np.random.Generator) -> Stroke | None:
    """A dot at the widest place of a random closed region that is not the page's background.

    Args:
        sketch: S×S in [-1, 1].
    """
    open_space = (sketch > INK).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(open_space, connectivity=4)
    rim = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    low, high = (share * sketch.size for share in REGION)
    fitting = [
        label
        for label in range(1, count)
        if label not in rim and low <= stats[label, cv2.CC_STAT_AREA] <= high
    ]
    if not fitting:
        return None
    region = labels == rng.choice(fitting)
    depth = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5)
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    painted = np.zeros(sketch.shape, np.uint8)
    cv2.circle(painted, (int(x), int(y)), round(STROKE * sketch.shape[0] / 2), 1, cv2.FILLED)
    color = COLORS[int(rng.integers(len(COLORS)))]
    return Stroke(region, (painted > 0) & region, color)


def measure_leak(pipeline: SketchColorPipeline, pages: list[Batch]) -> dict[str, float]:
    """ΔE2000 between the pictures with and without one stroke, inside and outside its region."""
    inside, outside = [], []
    for number, page in enumerate(tqdm(pages, "leak")):
        stroke = stroke_in(page.sketch[0, 0].numpy(), np.random.default_rng(number))
        if stroke is None:
            continue
        plain = _lab(_colour(pipeline, page))
        hinted = _lab(_colour(pipeline, page, hints=stroke.hint_map()))
        change = deltaE_ciede2000(plain, hinted)
        inside.append(change[stroke.region].mean())
        outside.append(change[~stroke.neighbourhood()].mean())
    return {
        "strokes": len(outside),
        "change_inside_mean": float(np.mean(inside)),
        "change_outside_mean": float(np.mean(outside)),
        "change_outside_90th": float(np.percentile(outside, 90)),
    }


def measure_palettes(pipeline: SketchColorPipeline, pages: list[Batch]) -> dict[str, dict]:
    """How near outputs' own palettes are to the requested one and to another picture's."""
    palettes = [from_image(page.pictures(page.truth)[0]) for page in pages]
    half = len(pages) // 2
    found = {}
    for kind, shift in (("same_picture", 0), ("cross_picture", half)):
        to_requested, to_other = [], []
        for index, page in enumerate(tqdm(pages, kind)):
            requested = palettes[(index + shift) % len(pages)]
            other = palettes[(index + shift + half // 2) % len(pages)]
            own = _own_palette(pipeline, page, requested)
            to_requested.append(palette_distance(own, requested.colors))
            to_other.append(palette_distance(own, other.colors))
        near, far = float(np.mean(to_requested)), float(np.mean(to_other))
        found[kind] = {"pairs": len(pages), "requested": near, "other": far, "ratio": far / near}
    return found


def measure_waits(pipeline: SketchColorPipeline, side: int = 512) -> dict[str, float]:
    """Seconds from a wish to the picture of a side×side sketch, for each kind of wish."""
    sketch = drawing((side, side))
    stroke = {"color": "#d93a2f", "width": side / 50, "points": [(side / 2, side / 2)]}
    wishes = {
        "automatic": {},
        "stroke": {"hints": [stroke]},
        "palette": {"palette": built_in(BUILT_IN[0])},
        "four_variants": {"num_variants": 4},
    }
    numbers = count()

    def colour(**wish) -> None:
        # A stroke finds the sketch cleaned and coloured without it; all else is new every time.
        number = 0 if "hints" in wish else next(numbers)
        sketch.putpixel((0, 0), number % 256)
        pipeline(sketch, resolution=side, seed=MAX_VARIANTS * number, **wish)

    return {kind: median_seconds(partial(colour, **wish)) for kind, wish in wishes.items()}


def _own_palette(pipeline: SketchColorPipeline, page: Batch, requested: Palette) -> np.ndarray:
    picture = page.pictures(_colour(pipeline, page, palette=requested.to_tensors()))[0]
    return from_image(picture).colors


def _colour(pipeline: SketchColorPipeline, page: Batch, **conditions) -> torch.Tensor:
    seed = torch.Generator().manual_seed(page.indices[0])
    return page.repad(pipeline.colour_tensor(page.sketch, generator=[seed], **conditions))


def _lab(colour: torch.Tensor) -> np.ndarray:
    return rgb2lab(np.asarray(to_pil(colour)[0]) / 255)


def pages(data: Path, count: int) -> Iterator[Batch]:
    """Validation pictures with their line art, one at a time, spread over the split."""
    source = Source(data_files=str(data / "validation-*.parquet"), split="validation")
    images = load_images(source)
    chosen = images.select(np.linspace(0, len(images) - 1, count).astype(int).tolist())
    return batches(chosen["image"], SIDE, batch_size=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="folder or Hub id (default: the bundled model)")
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--count", type=int, default=100, help="pictures")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    pipeline = load_pipeline(args.model)
    found = list(pages(args.data, args.count))
    report = {"model": pipeline.model_id, "revision": pipeline.revision, "side": SIDE}
    report["seconds_at_512"] = measure_waits(pipeline)
    # The networks alone, and as visitors get them.
    for name, hold in (("networks", False), ("pipeline", True)):
        pipeline.register_to_config(hold=hold)
        leak, palettes = measure_leak(pipeline, found), measure_palettes(pipeline, found)
        report[name] = {"leak": leak, "palette": palettes}
    args.output.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
