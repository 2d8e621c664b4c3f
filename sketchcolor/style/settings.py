"""Settings of a style pass: sizes, optimiser, weights, style pictures, and the blend.

`FAITHFUL` is the published method (Grover & Banker): one size, from white noise, 1000 iterations.
`FAST` starts from the content and goes from coarse to fine, so that nearly all iterations run at
small sizes, and ends a scale early when the loss no longer falls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from PIL import Image

__all__ = [
    "CONTENT_LAYER",
    "CONTENT_LAYERS",
    "DEFAULT_RESOLUTION",
    "FAITHFUL",
    "FAST",
    "LEAST_SIDE",
    "OPTIMIZERS",
    "REGIONS",
    "RESOLUTIONS",
    "STARTS",
    "Region",
    "Scale",
    "Settings",
    "Style",
    "StyleBlend",
    "total_weight",
]

Optimizer = Literal["lbfgs", "adam"]
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
Start = Literal["content", "style", "noise"]
STARTS: tuple[Start, ...] = get_args(Start)
Region = Literal["all", "figure", "background"]
REGIONS: tuple[Region, ...] = get_args(Region)

DEFAULT_RESOLUTION = 512
RESOLUTIONS = (128, 1024)  # px, longer side at which a style is painted

# Five depths, from fine detail to rough shape, as in figure 10 of Grover & Banker, which does not
# name its layers; these are the five of Gatys et al. 2016, figure 1.
CONTENT_LAYERS = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
CONTENT_LAYER = "relu4_2"  # the layer of Gatys et al. 2016, section 3
LEAST_SIDE = 32  # px; VGG-19 pools four times, which leaves 2×2 positions


def _check_choice(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{value!r} is no {what} of a style: use {', '.join(allowed)}.")


@dataclass(frozen=True)
class Scale:
    """One size of the picture: its longer side in px, and its maximum number of iterations."""

    side: int
    iterations: int


@dataclass(frozen=True)
class Settings:
    """How a picture is optimised.

    Attributes:
        scales: from coarse to fine; the last is the size of the result.
        optimizer: ``lbfgs`` or ``adam``.
        learning_rate: of Adam, in pixel levels of 0 to 255; L-BFGS searches along every step.
        alpha, beta: weights of content and style loss, equation 7; 0 leaves that loss out.
        content_layer: one of `CONTENT_LAYERS`, whose features define the content. A deeper one
            leaves the style more freedom.
        normalised: divide each layer's loss by the squared norm of its target, so that no layer
            dominates the sum; False is equation 4 as published.
        start: the picture that is optimised: the ``content``, the ``style`` picture with the most
            weight in the content's shape, or white ``noise`` (Grover & Banker, section 4.3.3 and
            figure 11).
        plateau: a scale ends when ten iterations lower the loss by less than this fraction; 0
            turns that off.
        squeeze: resize style pictures to the content's width and height, as Grover & Banker
            did; False keeps their proportions.

    Raises:
        ValueError: a setting has a value that is not listed here.
    """

    scales: tuple[Scale, ...]
    optimizer: Optimizer = "lbfgs"
    learning_rate: float = 1.0
    alpha: float = 1e-3
    beta: float = 1e-3
    content_layer: str = CONTENT_LAYER
    normalised: bool = False
    start: Start = "content"
    plateau: float = 0.0
    squeeze: bool = False

    def __post_init__(self) -> None:
        _check_choice("optimiser", self.optimizer, OPTIMIZERS)
        _check_choice("content layer", self.content_layer, CONTENT_LAYERS)
        _check_choice("start", self.start, STARTS)
        for name, weight in (("alpha", self.alpha), ("beta", self.beta)):
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"{name} is the weight of a loss: give 0 or more, not {weight}.")
        if self.alpha == self.beta == 0:
            raise ValueError("With alpha and beta both 0 nothing is painted: raise one of them.")
        if not self.scales or any(scale.iterations < 1 for scale in self.scales):
            raise ValueError("The number of iterations must be at least 1.")

    def at(self, side: int) -> Settings:
        """The same settings for a result of ``side`` px: every scale changes in proportion."""
        factor = side / self.scales[-1].side
        scales = (
            replace(scale, side=max(LEAST_SIDE, round(scale.side * factor)))
            for scale in self.scales
        )
        return replace(self, scales=tuple(scales))


FAITHFUL = Settings(scales=(Scale(512, 1000),), start="noise", squeeze=True)
FAST = Settings(
    scales=(Scale(128, 100), Scale(256, 30), Scale(512, 6)), normalised=True, plateau=0.01
)


@dataclass(frozen=True)
class Style:
    """A style picture.

    Attributes:
        image: mode RGB.
        weight: relative to the other styles.
        scale: size of its strokes in the result; at 1 they are as large as when both pictures
            have the same longer side.
    """

    image: Image.Image
    weight: float = 1.0
    scale: float = 1.0


def total_weight(styles: Sequence[Style]) -> float:
    """The sum of the styles' weights, which is above 0.

    Raises:
        ValueError: there is no style, none has a weight, or a weight is negative.
    """
    total = sum(style.weight for style in styles)
    if not styles or total <= 0 or min(style.weight for style in styles) < 0:
        raise ValueError("Give at least one style picture with a weight above zero.")
    return total


@dataclass(frozen=True)
class StyleBlend:
    """How a painted style is blended with the picture.

    Attributes:
        strength: 0 leaves the picture as it is, 1 is the painted style.
        keep_colours: only lightness changes; hue and saturation stay the picture's.
        region: where the style is applied; ``figure`` and ``background`` need the sketch.
        keep_lines: lay the sketch's lines on top; without a sketch this does nothing.

    Raises:
        ValueError: the strength or the region is none of these.
    """

    strength: float = 1.0
    keep_colours: bool = False
    region: Region = "all"
    keep_lines: bool = True

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 1.0:
            raise ValueError("The strength of a style must be between 0 and 1.")
        _check_choice("region", self.region, REGIONS)
