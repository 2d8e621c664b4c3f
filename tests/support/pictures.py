"""Pictures that tests draw."""

from pathlib import Path

import datasets
import numpy as np
from PIL import Image, ImageDraw


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
