"""A sheet of wishes: real sketches coloured freely, with 3 and 10 hints, and in two palettes.

``python -m benchmarks.wishes --sketches ../shared/lineart -o model_cards/wishes.jpg``

The hints in ``wishes.json`` were placed by hand: for the beginning of a sketch's file name a list
of dots, colour, x and y as shares of width and height, the most telling first.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.sheet import paste_rows, tile
from sketchcolor import load_pipeline
from sketchcolor.conditions import Stroke
from sketchcolor.conditions.palette_files import built_in
from sketchcolor.images import read_sketch

DOT = 0.02  # diameter, of the short side
PALETTES = ("strawberry-milk", "night-city")
WISHES = Path(__file__).with_suffix(".json")


def strokes(wishes: list[list], count: int, size: tuple[int, int]) -> list[Stroke]:
    """The first ``count`` wishes as dots on a sketch of ``size`` (width, height)."""
    width, height = size
    return [
        Stroke(color, DOT * min(size), [(x * width, y * height)]) for color, x, y in wishes[:count]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="folder or Hub id (default: the bundled model)")
    parser.add_argument("--sketches", type=Path, required=True, help="folder of real sketches")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()

    pipeline = load_pipeline(args.model)
    columns = []
    for start, wishes in json.loads(WISHES.read_text()).items():
        (path,) = args.sketches.glob(f"{start}*")
        sketch = read_sketch(path)
        given = [{}]
        given += [{"hints": strokes(wishes, count, sketch.size)} for count in (3, 10)]
        given += [{"palette": built_in(name)} for name in PALETTES]
        coloured = [pipeline(sketch, seed=args.seed, **wish).images[0] for wish in given]
        columns.append([tile(picture) for picture in coloured])
    paste_rows(list(zip(*columns, strict=True))).save(args.output, quality=88)
    print(f"{len(columns)} sketches; rows: automatic, 3 hints, 10 hints, {PALETTES}")


if __name__ == "__main__":
    main()
