"""Pictures for the benchmarks, spread over a split."""

from __future__ import annotations

import argparse
from pathlib import Path

import datasets
import numpy as np
from PIL import Image

from sketchcolor.training.data import Source, load_images

__all__ = ["read_arguments", "spread_rows", "validation_pictures"]


def read_arguments(description: str) -> argparse.Namespace:
    """Flags of a benchmark that measures a model on pictures: model, data, count, output."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--model", help="folder or Hub id (default: the bundled model)")
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--count", type=int, default=100, help="pictures of each split measured")
    parser.add_argument("-o", "--output", type=Path, required=True)
    return parser.parse_args()


def spread_rows(
    data: Path, count: int, kind: str | None = None, split: str = "validation"
) -> datasets.Dataset:
    """Rows of a split at equal distances.

    Args:
        data: folder of ``validation-*.parquet`` and ``train-*.parquet``.
        count: rows; all of them where there are fewer.
        kind: only rows of this kind.
        split: ``validation`` or ``train``.
    """
    source = Source(data_files=str(data / f"{split}-*.parquet"), split=split)
    rows = load_images(source)
    if kind is not None:
        rows = rows.filter(lambda value: value == kind, input_columns="kind")
    count = min(count, len(rows))
    return rows.select(np.linspace(0, len(rows) - 1, count).astype(int).tolist())


def validation_pictures(data: Path, count: int) -> list[Image.Image]:
    """Colour pictures at their own size, in a fixed order."""
    return [image.convert("RGB") for image in spread_rows(data, count)["image"]]
