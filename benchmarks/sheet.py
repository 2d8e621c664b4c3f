"""A contact sheet: faces of the validation split and sketches, coloured by one model.

``python -m benchmarks.sheet --data pictures --sketches lineart -o sheet.jpg``
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.pictures import DATA_HELP, existing_folder, spread_rows
from sketchcolor import load_pipeline
from sketchcolor.lineart.extract import random_lineart
from sketchcolor.sampling.proposal import DEFAULT_STEPS

TILE = 192  # px
COLUMNS = 8


def faces(data: Path, count: int) -> Iterator[Image.Image]:
    """Line art in random styles of faces that are spread over the validation split."""
    for index, image in enumerate(spread_rows(data, count, "face")["image"]):
        colour = np.asarray(image.convert("RGB"))
        yield Image.fromarray(random_lineart(colour, np.random.default_rng(index)))


def tile(picture: Image.Image) -> Image.Image:
    """The picture at the size of a tile, padded with white to a square."""
    return ImageOps.pad(picture, (TILE, TILE), Image.Resampling.LANCZOS, color="white")


def paste_rows(rows: list[list[Image.Image]]) -> Image.Image:
    """Puts rows of tiles together to one picture."""
    sheet = Image.new("RGB", (max(map(len, rows)) * TILE, len(rows) * TILE), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet.paste(picture, (x * TILE, y * TILE))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="folder or Hub id (default: the bundled model)")
    parser.add_argument("--data", type=existing_folder, required=True, help=DATA_HELP)
    parser.add_argument(
        "--sketches", type=existing_folder, required=True, help="folder of the sketches"
    )
    parser.add_argument("--count", type=int, default=16, help="of faces, and of sketches at most")
    parser.add_argument("--seed", type=int, default=1, help="of the first; each next has one more")
    parser.add_argument("--resolution", type=int, default=512)
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS)
    parser.add_argument("--with-sketches", action="store_true", help="show each sketch above")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()

    pipeline = load_pipeline(args.model)
    sketches = [*faces(args.data, args.count)]
    sketches += [Image.open(path) for path in sorted(args.sketches.iterdir())[: args.count]]
    tiles = []
    for seed, sketch in enumerate(sketches, args.seed):
        coloured = pipeline(
            sketch, seed=seed, resolution=args.resolution, num_inference_steps=args.steps
        ).images[0]
        tiles.append((tile(sketch.convert("RGB")), tile(coloured)))
    rows = []
    for start in range(0, len(tiles), COLUMNS):
        shown = (0, 1) if args.with_sketches else (1,)
        rows += [[pair[which] for pair in tiles[start : start + COLUMNS]] for which in shown]
    paste_rows(rows).save(args.output, quality=88)


if __name__ == "__main__":
    main()
