"""References of an evaluation: the picture itself, or another picture of the set.

As in ``SketchColorPipeline``, a model is conditioned on the palette of the reference or on its
style vector from VGG-19.
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

__all__ = ["MIN_PICTURES", "References", "find_references"]

MIN_PICTURES = 3  # so that the sketch's own picture, the reference and a third one differ


@dataclass(frozen=True)
class References:
    """Palettes of all pictures and, for models with styles, their style vectors.

    Attributes:
        palettes: one for each picture.
        styles: N×C, or None for a model that is conditioned on palettes.
    """

    palettes: list[Palette]
    styles: torch.Tensor | None = None

    def conditions(self, indices: Sequence[int], steps: int = 0) -> dict[str, Any]:
        """Conditions from the pictures that are ``steps`` thirds of the set further on.

        Args:
            indices: of the sketches' own pictures.
            steps: 0 uses each sketch's own picture as the reference.

        Returns:
            ``style`` B×C; or ``palette``, B×K×3 colours and B×K weights.
        """
        chosen = [self._shift(index, steps) for index in indices]
        if self.styles is not None:
            return {"style": self.styles[chosen]}
        colors, weights = zip(*(self.palettes[i].to_tensors() for i in chosen), strict=True)
        return {"palette": (torch.cat(colors), torch.cat(weights))}

    def palettes_of(self, indices: Sequence[int], steps: int = 0) -> list[Palette]:
        """The palettes of the pictures ``steps`` thirds of the set further on."""
        return [self.palettes[self._shift(index, steps)] for index in indices]

    def _shift(self, index: int, steps: int) -> int:
        # By a third of the set, because neighbours in a data set are often similar.
        return (index + steps * (len(self.palettes) // MIN_PICTURES)) % len(self.palettes)


def find_references(
    images: Sequence[Image.Image], conditions: Sequence[str], vgg: VGG19Features | None
) -> References | None:
    """The references for a model with these conditions.

    Args:
        images: PIL colour images.
        conditions: that the model takes.
        vgg: for style vectors.

    Returns:
        None if the model takes neither palettes nor styles, if there are fewer than
        :data:`MIN_PICTURES` images, or if VGG-19 is missing for styles.
    """
    takes_style = "style" in conditions
    has_references = vgg is not None if takes_style else "palette" in conditions
    if len(images) < MIN_PICTURES or not has_references:
        return None
    palettes, styles = [], []
    for image in images:
        colour = image.convert("RGB")
        palettes.append(from_image(colour))
        if takes_style:
            assert vgg is not None
            styles.append(style.from_pictures(vgg, to_tensor(colour).to(vgg.device)).cpu())
    return References(palettes, torch.cat(styles) if takes_style else None)
