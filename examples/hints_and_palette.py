"""Colours a sketch by hint strokes and by a palette, and saves what the result knows of its parts.

``python examples/hints_and_palette.py`` or
``python examples/hints_and_palette.py --palette night-city``
"""

import argparse
from pathlib import Path

from PIL import Image

from sketchcolor import load_pipeline
from sketchcolor.conditions.hint_files import load_hints
from sketchcolor.conditions.palette_files import BUILT_IN, built_in
from sketchcolor.ui.examples import FOLDER

STROKES = Path(__file__).parent / "strokes" / "tousled_hair.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sketch", type=Path, default=FOLDER / "spiky_hair.png")
    parser.add_argument("--hints", type=Path, default=STROKES, help="in pixels of the sketch")
    parser.add_argument("--palette", choices=BUILT_IN, default="school-day")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--resolution", type=int, default=512, help="that the networks work at")
    parser.add_argument("-o", "--output", type=Path, default=Path("outputs"), help="a folder")
    args = parser.parse_args()

    pipeline = load_pipeline()
    settings = {"seed": args.seed, "resolution": args.resolution}
    hinted = pipeline(args.sketch, hints=load_hints(args.hints), **settings)
    in_palette = pipeline(args.sketch, palette=built_in(args.palette), **settings)

    args.output.mkdir(parents=True, exist_ok=True)
    hinted.images[0].save(args.output / "hints.png")
    in_palette.images[0].save(args.output / "palette.png")

    # The parts of the drawing in flat colours, and the largest part as a mask.
    hinted.flats[0].save(args.output / "flats.png")
    parts = hinted.parts[0]
    largest = next(part for part in parts.parts if part.label == 1)  # 0 is paper
    mask = (parts.label == largest.label).astype("uint8") * 255
    Image.fromarray(mask).save(args.output / "largest-part.png")
    print(f"{len(parts.parts)} parts; the largest is {largest.color}, {largest.area} pixels")


if __name__ == "__main__":
    main()
