"""A contact sheet of conditions: sketches coloured freely, with 3 and 10 hints, in two palettes.

``python -m benchmarks.conditions_sheet --sketches lineart -o model_cards/conditions.jpg``

The hints in ``conditions_sheet.json`` were placed by hand. For the beginning of each sketch's file
name there is a list of dots: a colour, and x and y as shares of the sketch's width and height. The
most important dots come first.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.pictures import existing_folder, find_picture
from benchmarks.sheet import paste_rows, tile
from sketchcolor import load_pipeline
from sketchcolor.conditions import Stroke
from sketchcolor.conditions.palette_files import built_in
from sketchcolor.images import read_sketch

DOT = 0.02  # diameter of a hint, as a share of the sketch's short side
PALETTES = ("strawberry-milk", "night-city")
DOTS = Path(__file__).with_suffix(".json")


def strokes(dots: list[list], count: int, size: tuple[int, int]) -> list[Stroke]:
    """The first ``count`` dots as strokes on a sketch of ``size`` (width, height)."""
    width, height = size
    return [
        Stroke(color, DOT * min(size), [(x * width, y * height)]) for color, x, y in dots[:count]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="folder or Hub id (default: the bundled model)")
    parser.add_argument(
        "--sketches", type=existing_folder, required=True, help="folder of the sketches"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()

    pipeline = load_pipeline(args.model)
    columns = []
    for start, dots in json.loads(DOTS.read_text()).items():
        sketch = read_sketch(find_picture(args.sketches, start))
        given = [{}]
        given += [{"hints": strokes(dots, count, sketch.size)} for count in (3, 10)]
        given += [{"palette": built_in(name)} for name in PALETTES]
        coloured = [pipeline(sketch, seed=args.seed, **each).images[0] for each in given]
        columns.append([tile(picture) for picture in coloured])
    paste_rows(list(zip(*columns, strict=True))).save(args.output, quality=88)
    print(f"{len(columns)} sketches; rows: automatic, 3 hints, 10 hints, {PALETTES}")


if __name__ == "__main__":
    main()
