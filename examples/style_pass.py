"""Colours a sketch and lays another picture's style over it, in the colouring's own colours.

``python examples/style_pass.py`` or
``python examples/style_pass.py --style my-painting.jpg --strength 0.5``
"""

import argparse
from pathlib import Path

from sketchcolor import StyledPipeline, load_pipeline
from sketchcolor.style.optimisation import Progress
from sketchcolor.style.pictures import BUILT_IN
from sketchcolor.style.settings import StyleBlend
from sketchcolor.ui.examples import FOLDER


def show(progress: Progress) -> None:
    """Called after every iteration; returning False would stop the work."""
    print(f"\r{progress.iteration} of {progress.iterations}", end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sketch", type=Path, default=FOLDER / "cat.png")
    parser.add_argument(
        "--style", default="watercolour", help=f"a picture, or one of {', '.join(BUILT_IN)}"
    )
    parser.add_argument("--strength", type=float, default=0.8, help="from 0 to 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--style-resolution", type=int, default=256, help="finer with 512, and many times slower"
    )
    parser.add_argument("--resolution", type=int, default=512, help="that the networks work at")
    parser.add_argument("-o", "--output", type=Path, default=Path("outputs"), help="a folder")
    args = parser.parse_args()

    pipeline = StyledPipeline(
        load_pipeline(),
        args.style,
        blend=StyleBlend(strength=args.strength, keep_colours=True, region="figure"),
        resolution=args.style_resolution,
        on_step=show,
    )
    # The sketch says what the figure is; its lines are laid over the result.
    painted = pipeline(args.sketch, seed=args.seed, resolution=args.resolution).images[0]
    args.output.mkdir(parents=True, exist_ok=True)
    path = args.output / f"{args.sketch.stem}-{Path(args.style).stem}.png"
    painted.save(path)
    print(f"\n{path}")


if __name__ == "__main__":
    main()
