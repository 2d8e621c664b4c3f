"""Pictures for tests, all drawn by our own code: sketches, photographs of them, data sets."""

import io
from pathlib import Path

import datasets
import numpy as np
from PIL import Image, ImageDraw

from sketchcolor.lineart.regions import find_regions
from sketchcolor.ui.examples import EXAMPLES

SIDE = 320  # px, longer side of coloured examples
RED = (217, 58, 47)  # the first swatch of the page


def write_pictures(path: Path, count: int, ratings: list[str] | None = None) -> Path:
    """A parquet file of simple coloured figures: columns image, kind, tags and perhaps rating."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(count):
        ground = "white" if i % 2 else tuple(rng.integers(80, 256, 3).tolist())
        picture = Image.new("RGB", (80, 100), ground)
        pen = ImageDraw.Draw(picture)
        pen.ellipse((15, 10, 65, 60), tuple(rng.integers(0, 256, 3).tolist()), (0, 0, 0), 2)
        pen.rectangle((25, 60, 55, 98), tuple(rng.integers(0, 256, 3).tolist()), (0, 0, 0), 2)
        row = {"image": picture, "kind": "figure" if i % 2 else "face", "tags": "1girl solo"}
        row["tags"] += " monochrome" if i % 2 else ""
        rows.append(row | ({"rating": ratings[i]} if ratings else {}))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    images = datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())
    images.to_parquet(str(path))
    return path


def example_sketches() -> list[Image.Image]:
    """The sketches that the app offers as examples, mode L, 255 = paper."""
    return [Image.open(path).convert("L") for _, path in EXAMPLES]


def photographed(drawing: Image.Image, seed: int = 0) -> Image.Image:
    """The drawing on grainy grey paper, lit from the upper left, a soft shadow at the right."""
    rng = np.random.default_rng(seed)
    height, width = drawing.height, drawing.width
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 0.9 - 0.25 * x - 0.15 * y - 0.12 / (1 + np.exp(-30 * (x - 0.8)))
    ink = 0.15 + 0.85 * np.asarray(drawing) / 255
    return _grey_image(light * ink + rng.normal(0, 0.012, light.shape))


def scanned(drawing: Image.Image, seed: int = 0) -> Image.Image:
    """The drawing in pencil on even grey paper with much grain, saved as a small JPEG."""
    rng = np.random.default_rng(seed)
    pencil = 0.45 + 0.55 * np.asarray(drawing) / 255
    page = _grey_image(0.82 * pencil + rng.normal(0, 0.02, pencil.shape))
    file = io.BytesIO()
    page.save(file, "JPEG", quality=60)
    return Image.open(file)


def _grey_image(levels: np.ndarray) -> Image.Image:
    """H×W in [0, 1] as an image of mode L."""
    return Image.fromarray(np.clip(np.rint(255 * levels), 0, 255).astype(np.uint8))


def coloured_example(sketch: Image.Image, seed: int) -> Image.Image:
    """An example sketch, shrunk, with one of four flat colours in each region; mode RGB."""
    rng = np.random.default_rng(seed)
    small = sketch.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    label = find_regions(small).label
    palette = rng.integers(60, 256, (4, 3))
    colours = palette[rng.integers(0, 4, label.max() + 1)]
    colours[0] = 255  # paper
    lines = np.asarray(small)[..., None] / 255.0
    return Image.fromarray((colours[label] * lines).astype(np.uint8))


def write_coloured_examples(folder: Path) -> Path:
    """Half of the coloured examples as ``train-0.parquet``, half as ``validation-0.parquet``."""
    sketches = example_sketches()
    for split, first in (("train", 0), ("validation", len(sketches) // 2)):
        chosen = sketches[first : first + len(sketches) // 2]
        rows = {
            "image": [coloured_example(sketch, first + i) for i, sketch in enumerate(chosen)],
            "source": ["examples"] * len(chosen),
            "key": [f"{split}-{i}" for i in range(len(chosen))],
        }
        images = datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())
        images.to_parquet(str(folder / f"{split}-0.parquet"))
    return folder


def painted(size, box=None, color=RED) -> Image.Image:
    """A transparent layer with an opaque rectangle, as a brush leaves it."""
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    if box:
        ImageDraw.Draw(layer).rectangle(box, (*color, 255))
    return layer
