"""What a style transfer is asked for: sizes, optimiser, weights, and pictures to learn from.

`FAITHFUL` is what the seed ran: one size, from white noise, 1000 iterations. `FAST` begins at the
content and works from coarse to fine, so that nearly all iterations run where they are cheap, and
moves on when nothing improves any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

__all__ = ["FAITHFUL", "FAST", "LEAST_SIDE", "Scale", "Settings", "Style"]

LEAST_SIDE = 32  # px; pooled four times this still is more than one cell


@dataclass(frozen=True)
class Scale:
    """One size of the picture: its longer side in px, and iterations at most."""

    side: int
    iterations: int


@dataclass(frozen=True)
class Settings:
    """How to optimise.

    Attributes:
        scales: from coarse to fine; the last is the size of the result.
        optimizer: ``lbfgs`` or ``adam``.
        learning_rate: in pixel levels of 0 to 255.
        alpha, beta: weights of content and style, equation 7.
        normalised: divide each layer's loss by the size of its target, so that all five layers
            and the content are heard; False is equation 4 as it stands.
        start: ``content``, or white ``noise`` as Grover & Banker have it (section 4.3.3).
        plateau: a scale ends when ten iterations lower the loss by less than this share; 0 never.
        squeeze: resize style pictures to the content's very shape, as Grover & Banker did;
            False keeps their proportions.
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
        """The same for a result of another size: every scale changes in proportion."""
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
        weight: against the other styles.
        scale: size of its strokes in the result, 1 as they are when both pictures are equally long.
    """

    image: Image.Image
    weight: float = 1.0
    scale: float = 1.0
