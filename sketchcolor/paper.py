"""Paper stays paper: a light tint around the figure is taken away.

A palette that has no white of its own draws the networks to tint even the empty page, faintly and
everywhere alike. A background that was painted is left alone: it is darker, or more than one tint.
"""

from __future__ import annotations

import torch

from .figure import figure_mask
from .images import to_pil

__all__ = ["keep_paper"]

LEAST_PAPER = 0.05  # of the page, outside the figure: with less, nobody would call it paper
LEAST_LIGHT = 0.3  # of that must be light; a stroke may have coloured the rest
LIGHT = 0.4  # in [-1, 1]: what has a channel below this was painted
GREYISH = 0.25  # between the channels: a face whose outline is open is lighter than most paint, too
NEAR = 0.12  # distance in RGB over which a place is no longer of the tint


def keep_paper(colour: torch.Tensor, sketch: torch.Tensor) -> torch.Tensor:
    """Bring tinted paper back to white.

    Args:
        colour: B×3×H×W in [-1, 1].
        sketch: B×1×H×W in [-1, 1].

    Returns:
        B×3×H×W in [-1, 1].
    """
    pictures = []
    for picture, lines in zip(colour, sketch, strict=True):
        outside = 1.0 - figure_mask(to_pil(lines[None])[0])
        open_page = torch.from_numpy(outside > 0.99).to(colour.device)
        least, most = picture.aminmax(dim=0)
        light = open_page & (least >= LIGHT) & (most - least <= GREYISH)
        shares = float(open_page.float().mean()), float(light.sum() / open_page.sum().clamp(min=1))
        if shares[0] >= LEAST_PAPER and shares[1] >= LEAST_LIGHT:
            tint = picture[:, light].float().median(dim=1).values[:, None, None]
            distance = (picture - tint).square().sum(dim=0) / (2.0 * NEAR**2)
            share = torch.from_numpy(outside).to(tint) * torch.exp(-distance)
            lighter = picture + share * (1.0 - tint)
            picture = lighter.clamp(max=1.0).to(picture.dtype)
        pictures.append(picture)
    return torch.stack(pictures)
