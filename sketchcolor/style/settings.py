"""Settings of a style transfer: sizes, optimiser, weights, and the style pictures.

`FAITHFUL` is the published method (Grover & Banker): one size, from white noise, 1000 iterations.
`FAST` starts from the content and goes from coarse to fine, so that nearly all iterations run at
small sizes, and ends a scale early when the loss no longer falls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

__all__ = ["FAITHFUL", "FAST", "LEAST_SIDE", "Scale", "Settings", "Style"]

LEAST_SIDE = 32  # px; VGG-19 pools four times, which leaves 2×2 positions


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
        learning_rate: in pixel levels of 0 to 255.
        alpha, beta: weights of content and style loss, equation 7.
        normalised: divide each layer's loss by the squared norm of its target, so that no layer
            dominates the sum; False is equation 4 as published.
        start: ``content``, or white ``noise`` as in Grover & Banker (section 4.3.3).
        plateau: a scale ends when ten iterations lower the loss by less than this fraction; 0
            turns that off.
        squeeze: resize style pictures to the content's width and height, as Grover & Banker
            did; False keeps their proportions.
    """

    scales: tuple[Scale, ...]
    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float = 1.0
    alpha: float = 1e-3
    beta: float = 1e-3
    normalised: bool = False
    start: Literal["content", "noise"] = "content"
    plateau: float = 0.0
    squeeze: bool = False

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
