"""Makes the networks' picture keep to its conditions: palette, white paper and hints."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..conditions import Conditions
from ..conditions.hint_field import hint_field, influence
from ..conditions.hints import resize
from .hint_propagation import propagate_hints
from .palette_transfer import transfer_palette
from .white_paper import whiten_paper

__all__ = ["enforce_conditions"]

FIELD = 64  # cells of the longer side: where a hint reaches needs no finer answer
LINES = 2  # pixels of line art a cell


def enforce_conditions(
    colour: torch.Tensor,
    conditions: Conditions,
    unhinted: torch.Tensor | None = None,
) -> torch.Tensor:
    """Apply palette, white paper and hints to the output, in this order.

    Where a hint reaches, a palette that is a guess is not applied.

    Args:
        colour: B×3×H×W in [-1, 1], the networks' picture.
        conditions: of its size.
        unhinted: B×3×h×w, coloured without the hints. A guessed palette goes by its main colours,
            so that a stroke does not change where all other colours are moved.

    Returns:
        B×3×H×W in [-1, 1].
    """
    sketch, hints = conditions.sketch, conditions.hints
    palette, is_guess = conditions.given_palette(), conditions.palette_is_guess
    if palette is not None:
        main = unhinted if is_guess else None
        enforced = transfer_palette(colour, *palette, main, is_guess)
        enforced = whiten_paper(enforced, sketch)
        if is_guess and hints is not None:
            enforced = torch.lerp(enforced, colour, _reach(hints, sketch).to(colour))
        colour = enforced
    return colour if hints is None else propagate_hints(colour, sketch, hints)


def _reach(hints: torch.Tensor, sketch: torch.Tensor) -> torch.Tensor:
    """B×1×H×W: how much of each place is a hint's to decide, in [0, 1]."""
    scale = FIELD / max(sketch.shape[2:])
    size = [LINES * max(1, round(side * scale)) for side in sketch.shape[2:]]
    small = F.interpolate(sketch.float(), size, mode="area")
    reach = influence(hint_field(resize(hints, size), small, LINES))
    return F.interpolate(reach, sketch.shape[2:], mode="bilinear")
