"""References of an evaluation: each picture is given its own, and then another picture's.

What a reference is depends on the model, as in ``SketchColorPipeline``: the palette of a picture,
or its style as VGG-19 sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from ..conditions import Palette, from_image
from ..images import to_tensor
from ..models import style_vector as style
from ..models.vgg19 import VGG19Features

__all__ = ["LEAST", "References", "find_references"]

LEAST = 3  # pictures: the sketch's own, the one asked for and a third are all different


@dataclass(frozen=True)
class References:
    """Palettes of all pictures of an evaluation and, for models that read styles, their styles.

    Attributes:
        palettes: one for each picture.
        styles: N×C, or None where a palette is what the model is told.
    """

    palettes: list[Palette]
    styles: torch.Tensor | None = None

    def conditions(self, indices: Sequence[int], steps: int = 0) -> dict[str, Any]:
        """What the model is told so that each sketch takes after a picture ``steps`` thirds on.

        Args:
            indices: of the sketches' own pictures.
            steps: 0 gives each sketch its own picture as the reference.

        Returns:
            ``style`` B×C, or ``palette``, B×K×3 colours and B×K weights.
        """
        wanted = [self._place(index, steps) for index in indices]
        if self.styles is not None:
            return {"style": self.styles[wanted]}
        colors, weights = zip(*(self.palettes[i].to_tensors() for i in wanted), strict=True)
        return {"palette": (torch.cat(colors), torch.cat(weights))}

    def palettes_of(self, indices: Sequence[int], steps: int = 0) -> list[Palette]:
        """The palettes of the pictures ``steps`` thirds of the set further on."""
        return [self.palettes[self._place(index, steps)] for index in indices]

    def _place(self, index: int, steps: int) -> int:
        # A third of the set away: neighbours in a data set are often alike.
        return (index + steps * (len(self.palettes) // LEAST)) % len(self.palettes)


def find_references(
    images: Sequence[Image.Image], conditions: Sequence[str], vgg: VGG19Features | None
) -> References | None:
    """The references that a model with these conditions can be given.

    Returns:
        None if it takes none, if there are fewer than ``LEAST`` pictures, or if it reads styles
        and there is no VGG-19 to read them with.
    """
    reads_style = "style" in conditions
    can_be_told = vgg is not None if reads_style else "palette" in conditions
    if len(images) < LEAST or not can_be_told:
        return None
    palettes, styles = [], []
    for image in images:
        colour = image.convert("RGB")
        palettes.append(from_image(colour))
        if reads_style:
            styles.append(style.from_pictures(vgg, to_tensor(colour).to(vgg.device)).cpu())
    return References(palettes, torch.cat(styles) if reads_style else None)
