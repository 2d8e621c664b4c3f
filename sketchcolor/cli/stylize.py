"""``sketchcolor stylize``: the style pass on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import DONE, refuse
from .painting import StyleBar, add_style_options, painting_of

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``stylize``; their defaults are those of the style pass."""
    parser.description = (
        "Paints a coloured picture in the style of others, at its own size. An interrupt ends the "
        "work and writes what is painted so far."
    )
    parser.epilog = "Exit status: 0 done, 2 refused (a picture, a setting or the network)."
    parser.add_argument("content", type=Path, metavar="CONTENT", help="the coloured picture")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT")
    parser.add_argument(
        "--sketch", type=Path, help="the picture's line art: its lines are laid on top again"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the noise of --start noise (default: %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite a file that exists")
    add_style_options(parser)


def run(options: argparse.Namespace) -> int:
    """Stylises ``options.content``; an interrupt ends the work and keeps what is painted.

    Returns:
        Exit status: 0, or 2 when something that was given is refused.
    """
    from ..hub.access import ModelLoadError
    from ..images import read_image, read_sketch
    from ..lineart.cleanup import clean_sketch
    from ..style.blend import stylize

    try:
        if options.output.exists() and not options.force:
            raise ValueError(f"{options.output} exists; give --force to overwrite it.")
        picture = read_image(options.content)
        sketch = None if options.sketch is None else clean_sketch(read_sketch(options.sketch))
        painting = painting_of(options)
        with StyleBar() as bar:
            result = stylize(
                picture, sketch=sketch, seed=options.seed, on_step=bar.show, **painting
            )
        result.save(options.output, quality=95)
    except (ModelLoadError, ValueError, OSError) as error:
        return refuse(error)
    print(options.output)
    return DONE
