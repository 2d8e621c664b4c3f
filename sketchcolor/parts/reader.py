"""Reads drawings, and keeps what was read while strokes come and go."""

from __future__ import annotations

import torch
from PIL import Image

from ..cache import ResultCache
from ..models.parts import PartEncoder
from ..models.proposer import ColorProposer
from .analysis import DrawingParts, analyse
from .hint_shares import asks_for_background

__all__ = ["DrawingReader"]


class DrawingReader:
    """Finds the parts of drawings; those of the last few are kept."""

    def __init__(self) -> None:
        self._analyses: ResultCache[DrawingParts] = ResultCache()

    def __call__(
        self,
        drawing: Image.Image,
        proposer: ColorProposer,
        encoder: PartEncoder,
        hints: torch.Tensor | None,
        paint_paper: bool = False,
    ) -> tuple[DrawingParts, DrawingParts]:
        """A drawing's parts: those that free colours are given to, and those that hints are.

        They are others if a hint asks for a background: then nothing is known of the ground.

        Args:
            drawing: mode L, 255 = paper.
            hints: 4×H×W hint map, or None.
            paint_paper: the ground is coloured like the rest.
        """
        parts = self._analyse(drawing, proposer, encoder, paint_paper)
        if hints is None or paint_paper:
            return parts, parts
        if not asks_for_background(parts, hints.permute(1, 2, 0).float().cpu().numpy()):
            return parts, parts
        return parts, self._analyse(drawing, proposer, encoder, True)

    def _analyse(
        self,
        drawing: Image.Image,
        proposer: ColorProposer,
        encoder: PartEncoder,
        paint_paper: bool,
    ) -> DrawingParts:
        return self._analyses.get_or_compute(
            lambda: analyse(drawing, proposer, encoder, paint_paper),
            [proposer, encoder],
            drawing,
            paint_paper,
        )
