"""``sketchcolor stylize``: the style pass on the command line."""

from __future__ import annotations

import argparse
import signal
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ..hub.access import ModelLoadError
from ..images import read_image, read_sketch
from ..style import pictures as styles
from ..style.blend import DEFAULT_RESOLUTION, REGIONS, StyleBlend, stylize
from ..style.network import load_style_network
from ..style.optimisation import Progress
from ..style.settings import FAITHFUL, FAST, Scale, Settings, Style
from ..style.transfer import StyleTransfer
from .common import DONE, refuse

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``stylize``; their defaults are those of the style pass."""
    parser.description = (
        "Paints a coloured picture in the style of others, at its own size. An interrupt ends the "
        "work and writes what is painted so far."
    )
    parser.epilog = "Exit status: 0 done, 2 refused (a picture, a setting or the network)."
    blend = StyleBlend()
    parser.add_argument("content", type=Path, metavar="CONTENT", help="the coloured picture")
    parser.add_argument(
        "--style",
        required=True,
        nargs="+",
        metavar="S",
        help=f"style pictures, or {', '.join(styles.BUILT_IN)}",
    )
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT")
    parser.add_argument(
        "--weights", nargs="+", type=float, metavar="W", help="one for each style (default: equal)"
    )
    parser.add_argument(
        "--sketch", type=Path, help="the picture's line art: its lines are laid on top again"
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=blend.strength,
        help="0 to 1 (default: %(default)s)",
    )
    parser.add_argument("--keep-colours", action="store_true", help="change lightness alone")
    parser.add_argument(
        "--region",
        choices=REGIONS,
        default=blend.region,
        help="where the style is seen; all but %(default)s need --sketch",
    )
    parser.add_argument(
        "--style-scale",
        type=float,
        default=1.0,
        help="size of the style's strokes, 2 is twice as large (default: %(default)s)",
    )
    parser.add_argument(
        "--resolution",
        type=int,
        default=DEFAULT_RESOLUTION,
        help="px, longer side at which the style is painted (default: %(default)s)",
    )
    parser.add_argument(
        "--faithful",
        action="store_true",
        help="as published: one size and 1000 iterations, for people with time",
    )
    parser.add_argument(
        "--optimizer",
        choices=("lbfgs", "adam"),
        default=FAST.optimizer,
        help="(default: %(default)s)",
    )
    parser.add_argument("--iterations", type=int, help="at the finest size")
    parser.add_argument(
        "--vgg19",
        help="safetensors file, folder or Hub id of the network (default: the bundled slim one)",
    )
    parser.add_argument(
        "--vgg19-convention",
        choices=("caffe", "torch"),
        help="input that the weights expect (default: caffe for a file, torch for the Hub)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite a file that exists")


def run(options: argparse.Namespace) -> int:
    """Stylises ``options.content``; an interrupt ends the work and keeps what is painted.

    Returns:
        Exit status: 0, or 2 when something that was given is refused.
    """
    try:
        if options.output.exists() and not options.force:
            raise ValueError(f"{options.output} exists; give --force to overwrite it.")
        picture = read_image(options.content)
        wanted = _styles(options.style, options.weights, options.style_scale)
        sketch = None if options.sketch is None else read_sketch(options.sketch)
        blend = StyleBlend(options.strength, options.keep_colours, options.region)
        transfer = StyleTransfer(load_style_network(options.vgg19, options.vgg19_convention))
        with _Bar() as bar:
            result = stylize(
                picture,
                wanted,
                transfer,
                blend,
                sketch,
                settings_of(options),
                options.resolution,
                on_step=bar.show,
            )
        result.save(options.output, quality=95)
    except (ModelLoadError, ValueError, OSError) as error:
        return refuse(error)
    print(options.output)
    return DONE


def settings_of(options: argparse.Namespace) -> Settings:
    """`FAST` or `FAITHFUL`, with the optimiser and the iterations that were asked for."""
    settings = FAITHFUL if options.faithful else FAST
    settings = replace(settings, optimizer=options.optimizer)
    if options.iterations is not None:
        if options.iterations < 1:
            raise ValueError("The number of iterations must be at least 1.")
        *coarse, fine = settings.scales
        finest = Scale(fine.side, options.iterations)
        settings = replace(settings, scales=(*coarse, finest))
    return settings


def _styles(names: list[str], weights: list[float] | None, scale: float) -> list[Style]:
    if weights is not None and len(weights) != len(names):
        raise ValueError(f"Give one weight for each of the {len(names)} styles.")
    weights = weights or [1.0] * len(names)
    return [
        Style(styles.built_in(n) if n in styles.BUILT_IN else read_image(Path(n)), weight, scale)
        for n, weight in zip(names, weights, strict=True)
    ]


class _Bar:
    """A progress bar, and an interrupt that lets the iteration end instead of the process."""

    def __enter__(self) -> _Bar:
        self.bar = tqdm(unit="it")
        self.interrupted = False
        self.before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self.before)
        self.bar.close()

    def _interrupt(self, *_: object) -> None:
        self.interrupted = True
        signal.signal(signal.SIGINT, self.before)  # a second one ends the process as usual

    def show(self, progress: Progress) -> bool:
        self.bar.total = progress.iterations
        self.bar.n = progress.iteration
        self.bar.set_postfix(
            px=progress.side, loss=f"{progress.loss:.3g}", left=f"{progress.seconds_left:.0f}s"
        )
        return not self.interrupted
