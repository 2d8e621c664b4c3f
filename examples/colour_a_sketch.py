"""Colours a sketch automatically: every seed gives another plausible picture.

``python examples/colour_a_sketch.py`` or
``python examples/colour_a_sketch.py my-sketch.png --variants 4 --seed 7``
"""

import argparse
from pathlib import Path

from sketchcolor import load_pipeline
from sketchcolor.ui.examples import FOLDER


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sketch", nargs="?", type=Path, default=FOLDER / "long_hair.png")
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--variants", type=int, default=2)
    parser.add_argument("--resolution", type=int, default=512, help="that the networks work at")
    parser.add_argument("-o", "--output", type=Path, default=Path("outputs"), help="a folder")
    args = parser.parse_args()

    pipeline = load_pipeline()  # the bundled model, on a GPU if there is one
    result = pipeline(
        args.sketch, num_variants=args.variants, seed=args.seed, resolution=args.resolution
    )
    args.output.mkdir(parents=True, exist_ok=True)
    for image, seed in zip(result.images, result.seeds, strict=True):
        path = args.output / f"{args.sketch.stem}-{seed}.png"
        image.save(path)
        print(path)


if __name__ == "__main__":
    main()
