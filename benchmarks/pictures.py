"""Where the benchmarks take pictures from: colour pictures of a data set, and folders of sketches.

Every function ends the program with one sentence if what it needs is not there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import datasets
import numpy as np
from PIL import Image

from sketchcolor.training.sources import Source, load_images

__all__ = [
    "DATA_HELP",
    "existing_file",
    "existing_folder",
    "find_picture",
    "read_arguments",
    "spread_rows",
    "validation_pictures",
]

DATA_HELP = "folder with colour pictures in train-*.parquet and validation-*.parquet"


def existing_folder(text: str) -> Path:
    """For ``type`` of an argument that names a folder to read from."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return path


def existing_file(text: str) -> Path:
    """For ``type`` of an argument that names a file to read."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


def read_arguments(description: str) -> argparse.Namespace:
    """Flags of a benchmark that measures a model on pictures: model, data, count, output."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--model", help="folder or Hub id (default: the bundled model)")
    parser.add_argument("--data", type=existing_folder, required=True, help=DATA_HELP)
    parser.add_argument("--count", type=int, default=100, help="pictures of each split measured")
    parser.add_argument("-o", "--output", type=Path, required=True)
    return parser.parse_args()


def spread_rows(
    data: Path, count: int, kind: str | None = None, split: str = "validation"
) -> datasets.Dataset:
    """Rows of a split at equal distances.

    Args:
        data: folder of ``validation-*.parquet`` and ``train-*.parquet``.
        count: how many rows; all rows if there are fewer.
        kind: only rows of this kind.
        split: ``validation`` or ``train``.

    Raises:
        SystemExit: the folder has no files of this split.
    """
    pattern = f"{split}-*.parquet"
    if not any(data.glob(pattern)):
        raise SystemExit(f"There is no {pattern} in {data}; --data names a folder of such files.")
    rows = load_images(Source(data_files=str(data / pattern), split=split))
    if kind is not None:
        rows = rows.filter(lambda value: value == kind, input_columns="kind")
    count = min(count, len(rows))
    return rows.select(np.linspace(0, len(rows) - 1, count).astype(int).tolist())


def validation_pictures(data: Path, count: int) -> list[Image.Image]:
    """Colour pictures at their own size, in a fixed order."""
    return [image.convert("RGB") for image in spread_rows(data, count)["image"]]


def find_picture(folder: Path, start: str) -> Path:
    """The file of a folder whose name begins with ``start``.

    Raises:
        SystemExit: there is none, or more than one.
    """
    found = sorted(folder.glob(f"{start}*"))
    if len(found) != 1:
        raise SystemExit(f"There are {len(found)} files {start}* in {folder}; one is needed.")
    return found[0]
