"""The conditions of a batch of sketches, as the tensors that networks take."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch

__all__ = ["Conditions"]


@dataclass(frozen=True, eq=False)
class Conditions:
    """What a batch of B pictures is coloured from.

    Attributes:
        sketch: B×1×H×W in [-1, 1], 1 = paper.
        hints: B×4×H×W hint map, or, where a function says so, a hint field. None without hints.
        palette: B×K×3 in [-1, 1], or None.
        palette_weights: B×K shares of the palette's colours, sum 1; None without a palette.
        style: B×C, of :func:`sketchcolor.models.style_vector.from_pictures`, or None.
        palette_is_guess: the palette was drawn from the palette prior because nobody gave one.
    """

    sketch: torch.Tensor
    hints: torch.Tensor | None = None
    palette: torch.Tensor | None = None
    palette_weights: torch.Tensor | None = None
    style: torch.Tensor | None = None
    palette_is_guess: bool = False

    def __len__(self) -> int:
        return len(self.sketch)

    def arguments(self) -> dict[str, torch.Tensor]:
        """The keyword arguments of a network: all that is given, under the networks' names."""
        named = {
            "sketch": self.sketch,
            "hints": self.hints,
            "palette": self.palette,
            "weights": self.palette_weights,
            "style": self.style,
        }
        return {name: tensor for name, tensor in named.items() if tensor is not None}

    def given_palette(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Colours and weights of the palette, or None."""
        if self.palette is None or self.palette_weights is None:
            return None
        return self.palette, self.palette_weights

    def without_hints(self) -> Conditions:
        """The same without hints."""
        return replace(self, hints=None)

    def without_palette(self) -> Conditions:
        """The same without a palette."""
        return replace(self, palette=None, palette_weights=None, palette_is_guess=False)

    def expand(self, count: int, device: torch.device) -> Conditions:
        """The conditions of one picture for ``count`` variants of it, on a device.

        Rows of tensors that have one row are shared; others have ``count`` rows already.
        """
        tensors: dict[str, Any] = {
            field.name: value.to(device).expand(count, *value.shape[1:])
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), torch.Tensor)
        }
        return replace(self, **tensors)
