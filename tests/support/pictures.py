"""Pictures that tests draw."""

from pathlib import Path

import datasets
import numpy as np
from PIL import Image, ImageDraw

from sketchcolor.lineart.regions import find_regions
from sketchcolor.ui.examples import EXAMPLES

SIDE = 320  # px, longer side of coloured examples


def write_pictures(path: Path, count: int, ratings: list[str] | None = None) -> Path:
    """A parquet file of drawn pictures with the columns that the real data has, and tags."""
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
    """The example sketches, drawn by our own code, mode L."""
    return [Image.open(path).convert("L") for _, path in EXAMPLES]


def coloured_example(sketch: Image.Image, seed: int) -> Image.Image:
    """An example sketch with a flat colour in every region and white paper, mode RGB."""
    rng = np.random.default_rng(seed)
    small = sketch.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    label = find_regions(small).label
    main = rng.integers(60, 256, (4, 3))  # a few colours that many regions have
    colours = np.clip(main[rng.integers(0, 4, label.max() + 1)] + rng.integers(-15, 16, 3), 0, 255)
    colours[0] = 255
    lines = np.asarray(small)[..., None] / 255.0
    return Image.fromarray((colours[label] * lines).astype(np.uint8))


def write_coloured_examples(folder: Path) -> Path:
    """A data set of coloured examples with the columns of the real one: train and validation."""
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
