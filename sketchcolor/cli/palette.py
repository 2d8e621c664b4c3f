"""``sketchcolor palette``: extracts the main colours of a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import DONE, positive, refuse

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``palette``."""
    parser.description = (
        "Prints a picture's main colours with their shares, heaviest first, or writes "
        "them as a palette file that `colorize --palette` and paint programs read."
    )
    parser.epilog = "Exit status: 0 done, 2 the picture cannot be read or the file not written."
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help=".gpl or .json file")
    parser.add_argument("--colors", type=positive, metavar="N", help="how many (default: 9)")
    parser.add_argument("--seed", type=int, help="of the clustering (default: 0)")
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def run(options: argparse.Namespace) -> int:
    """Prints or writes the palette of ``options.picture``.

    Returns:
        Exit status: 0, or 2 if the picture cannot be read or the output not be written.
    """
    from ..conditions import from_image
    from ..conditions.palette_files import save_palette
    from ..images import read_image

    settings = {"size": options.colors, "seed": options.seed}
    settings = {name: value for name, value in settings.items() if value is not None}
    try:
        if options.output and options.output.exists() and not options.force:
            return refuse(f"{options.output} exists; give --force to overwrite it.")
        palette = from_image(read_image(options.picture), **settings)
        if options.output:
            save_palette(palette, options.output)
    except (ValueError, OSError) as error:
        return refuse(error)
    for color, weight in zip(palette.to_hex(), palette.weights, strict=True):
        print(f"{color}  {weight:.1%}")
    return DONE
