"""What was asked for holds: palette, paper and hints, in this order, on the networks' picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..conditions.hint_field import hint_field, influence
from ..conditions.hints import resize
from .hint_propagation import spread_hints
from .palette_transfer import hold_palette
from .white_paper import keep_paper

__all__ = ["hold_wishes"]

FIELD = 64  # cells of the longer side: where a hint reaches needs no finer answer
LINES = 2  # pixels of line art a cell


def hold_wishes(
    colour: torch.Tensor,
    sketch: torch.Tensor,
    hints: torch.Tensor | None = None,
    palette: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
    guessed: bool = False,
    draft: torch.Tensor | None = None,
) -> torch.Tensor:
    """Bring a picture to what was asked for.

    Args:
        colour: B×3×H×W in [-1, 1], the networks' picture.
        sketch: B×1×H×W in [-1, 1].
        hints: B×4×H×W hint map. palette: B×K×3 colours in [-1, 1]. weights: B×K.
        guessed: nobody asked for the palette; where a hint reaches, the hint is all that holds.
        draft: B×3×h×w, coloured without the hints; a guessed palette goes by its main colours, so
            that a stroke does not change where all others are moved.

    Returns:
        B×3×H×W in [-1, 1].
    """
    if palette is not None:
        held = hold_palette(colour, palette, weights, draft if guessed else None, guessed)
        held = keep_paper(held, sketch)
        if guessed and hints is not None:
            held = torch.lerp(held, colour, _reached(hints, sketch).to(colour))
        colour = held
    return colour if hints is None else spread_hints(colour, sketch, hints)


def _reached(hints: torch.Tensor, sketch: torch.Tensor) -> torch.Tensor:
    """B×1×H×W: how much of each place is a hint's to decide, in [0, 1]."""
    scale = FIELD / max(sketch.shape[2:])
    size = [LINES * max(1, round(side * scale)) for side in sketch.shape[2:]]
    small = F.interpolate(sketch.float(), size, mode="area")
    seen = influence(hint_field(resize(hints, size), small, LINES))
    return F.interpolate(seen, sketch.shape[2:], mode="bilinear")
