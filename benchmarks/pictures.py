"""Pictures for the benchmarks: validation pictures, spread over the split."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
from PIL import Image

from sketchcolor.training.data import Source, load_images

__all__ = ["spread_rows", "validation_pictures"]


def spread_rows(data: Path, count: int, kind: str | None = None) -> datasets.Dataset:
    """Rows of the validation split at equal distances.

    Args:
        data: folder of ``validation-*.parquet``.
        count: rows; all of them where there are fewer.
        kind: only rows of this kind.
    """
    source = Source(data_files=str(data / "validation-*.parquet"), split="validation")
    rows = load_images(source)
    if kind is not None:
        rows = rows.filter(lambda value: value == kind, input_columns="kind")
    count = min(count, len(rows))
    return rows.select(np.linspace(0, len(rows) - 1, count).astype(int).tolist())


def validation_pictures(data: Path, count: int) -> list[Image.Image]:
    """Colour pictures at their own size, in a fixed order."""
    return [image.convert("RGB") for image in spread_rows(data, count)["image"]]
