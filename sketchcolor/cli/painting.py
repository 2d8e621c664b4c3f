"""What the commands that paint in a style share: their options, and the bar that can be stopped.

``colorize`` has options of its own of the same names, so it puts ``style-`` before these. PyTorch
takes seconds to import, so what needs it is imported when a style is painted.
"""

from __future__ import annotations

import argparse
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from ..style.pictures import BUILT_IN
from ..style.settings import (
    CONTENT_LAYERS,
    DEFAULT_RESOLUTION,
    FAITHFUL,
    FAST,
    OPTIMIZERS,
    REGIONS,
    STARTS,
    Scale,
    Settings,
    Style,
    StyleBlend,
)

if TYPE_CHECKING:
    from ..style.optimisation import Progress

__all__ = ["StyleBar", "add_style_options", "check_style_is_given", "painting_of"]


def add_style_options(parser: argparse.ArgumentParser, prefix: str = "") -> None:
    """Add ``--style`` and the options of how it is painted; the defaults are those of the pass.

    Args:
        parser: of a command.
        prefix: put before the names of the options, of which without it ``--style`` is required.
    """
    group = parser.add_argument_group("painting in a style")
    blend = StyleBlend()

    def add(name: str, **how: Any) -> None:
        group.add_argument(f"--{prefix}{name}", dest=f"style_{name.replace('-', '_')}", **how)

    group.add_argument(
        "--style",
        required=not prefix,
        nargs="+",
        metavar="S",
        help=f"style pictures, or {', '.join(BUILT_IN)}",
    )
    add("weights", nargs="+", type=float, metavar="W", help="one for each style (default: equal)")
    add(
        "strength",
        type=float,
        metavar="X",
        default=blend.strength,
        help="0 to 1 (default: %(default)s)",
    )
    add("keep-colours", action="store_true", help="change lightness alone")
    add(
        "region",
        choices=REGIONS,
        default=blend.region,
        help="where the style is seen; all but %(default)s need the sketch",
    )
    group.add_argument(
        "--style-scale",
        type=float,
        metavar="X",
        default=1.0,
        help="size of the style's strokes, 2 is twice as large (default: %(default)s)",
    )
    add(
        "resolution",
        type=int,
        metavar="N",
        default=DEFAULT_RESOLUTION,
        help="px, longer side at which the style is painted (default: %(default)s)",
    )
    add(
        "faithful",
        action="store_true",
        help="as published: one size and 1000 iterations, for people with time",
    )
    add("optimizer", choices=OPTIMIZERS, help=f"(default: {FAST.optimizer})")
    add("iterations", type=int, metavar="N", help="at the finest size")
    add(
        "start",
        choices=STARTS,
        help=f"what painting begins with (default: {FAST.start}, or {FAITHFUL.start} if faithful)",
    )
    add(
        "content-layer",
        choices=CONTENT_LAYERS,
        help="layer that says what is kept of the picture, from detail to rough shape (default: "
        f"{FAST.content_layer}, the one that the slim network has learnt)",
    )
    for name, what, default in (
        ("alpha", "content", FAST.alpha),
        ("beta", "style", FAST.beta),
    ):
        add(name, type=float, metavar="X", help=f"weight of the {what} (default: {default})")
    group.add_argument(
        "--vgg19",
        help="safetensors file, folder or Hub id of the network (default: the bundled slim one)",
    )
    group.add_argument(
        "--vgg19-convention",
        choices=("caffe", "torch"),
        help="input that the weights expect (default: caffe for a file, torch for the Hub)",
    )


def check_style_is_given(options: argparse.Namespace) -> None:
    """Refuse options of painting where there is no style to paint in.

    Raises:
        ValueError: one of them is set, and ``--style`` is not.
    """
    parser = argparse.ArgumentParser()
    add_style_options(parser, "style-")
    defaults = vars(parser.parse_args([]))
    changed = [name for name, value in defaults.items() if getattr(options, name) != value]
    if options.style is None and changed:
        raise ValueError(f"--{changed[0].replace('_', '-')} needs a style: give --style, too.")


def painting_of(options: argparse.Namespace) -> dict[str, Any]:
    """Arguments that `stylize` and `StyledPipeline` have in common; loads the network.

    Raises:
        ValueError: a setting is out of range, or a style picture cannot be read.
        ModelLoadError: the network cannot be loaded.
    """
    from ..style.network import load_style_network
    from ..style.transfer import StyleTransfer

    painting = {
        "styles": _styles(options.style, options.style_weights, options.style_scale),
        "blend": StyleBlend(
            options.style_strength, options.style_keep_colours, options.style_region
        ),
        "settings": _settings(options),
        "resolution": options.style_resolution,
    }
    network = load_style_network(options.vgg19, options.vgg19_convention)
    return painting | {"transfer": StyleTransfer(network)}


def _settings(options: argparse.Namespace) -> Settings:
    """`FAST` or `FAITHFUL`, with what else was asked for."""
    settings = FAITHFUL if options.style_faithful else FAST
    asked = {
        name: getattr(options, f"style_{name}")
        for name in ("optimizer", "start", "content_layer", "alpha", "beta")
    }
    if options.style_iterations is not None:
        *coarse, fine = settings.scales
        asked["scales"] = (*coarse, Scale(fine.side, options.style_iterations))
    return replace(settings, **{name: value for name, value in asked.items() if value is not None})


def _styles(names: list[str], weights: list[float] | None, scale: float) -> list[Style]:
    from ..style.styled import style_of

    if weights is not None and len(weights) != len(names):
        raise ValueError(f"Give one weight for each of the {len(names)} styles.")
    weights = weights or [1.0] * len(names)
    return [
        replace(style_of(name), weight=weight, scale=scale)
        for name, weight in zip(names, weights, strict=True)
    ]


class StyleBar:
    """A progress bar, and an interrupt that lets the iteration end instead of the process.

    Args:
        leave: whether the bar stays when the work is over.

    Attributes:
        interrupted: whether there was an interrupt.
    """

    def __init__(self, leave: bool = True) -> None:
        self.interrupted, self._leave = False, leave

    def __enter__(self) -> StyleBar:
        self._bar = tqdm(unit="it", leave=self._leave)
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        self._bar.close()

    def _interrupt(self, *_: object) -> None:
        self.interrupted = True
        signal.signal(signal.SIGINT, self._before)  # a second one ends the process as usual

    def show(self, progress: Progress) -> bool:
        """An `OnStep` that stops the work after an interrupt.

        Raises:
            KeyboardInterrupt: the interrupt came before anything was painted.
        """
        if self.interrupted and progress.iteration == 1:
            raise KeyboardInterrupt
        if progress.iteration == 1:
            self._bar.reset(progress.iterations)
        self._bar.n = progress.iteration
        self._bar.set_postfix(
            px=progress.side, loss=f"{progress.loss:.3g}", left=f"{progress.seconds_left:.0f}s"
        )
        return not self.interrupted
