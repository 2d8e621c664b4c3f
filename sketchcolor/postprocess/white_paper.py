"""Paper stays paper: a light tint around the figure is taken away, and what shines over outlines.

A palette that has no white of its own draws the networks to tint even the empty page, everywhere
alike. A background that was painted is left alone: it is darker, or more than one tint, or much of
the page. What the figure cuts off from the rest of the paper is told by its tint.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ..images import to_pil
from ..lineart.figure import Rooms

__all__ = ["whiten_paper"]

LEAST_PAPER = 0.05  # of the page, outside the figure: with less, nobody would call it paper
LEAST_LIGHT = 0.3  # of that must be light; a stroke may have coloured the rest
LIGHT = 0.4  # in [-1, 1]: what has a channel below this was painted
GREYISH = 0.25  # between the channels: a face whose outline is open is lighter than most paint, too
PLAIN = 0.5  # of a place must be of one tint that is no grey: no open face is as large
NEAR = 0.12  # distance in RGB over which a place is no longer of the tint
BARE = 0.95  # in [-1, 1]: all channels of paper that nothing shines on; light skin is below
GLOW = 0.02  # of the longer side: so far from the paper colours are taken for shining over a line
CLOUD = 0.12  # of the page: light colours on so much of it or more were painted, or are a figure's
PALE = 0.0  # in [-1, 1]: the least channel, on average, of a smaller cloud that nobody painted


def whiten_paper(colour: torch.Tensor, sketch: torch.Tensor) -> torch.Tensor:
    """Bring tinted paper back to white.

    Args:
        colour: B×3×H×W in [-1, 1].
        sketch: B×1×H×W in [-1, 1].

    Returns:
        B×3×H×W in [-1, 1].
    """
    pictures = []
    for picture, lines in zip(colour, sketch, strict=True):
        rooms = Rooms.of(to_pil(lines[None])[0])
        outside = rooms.outside()
        open_page = torch.from_numpy(outside > 0.99).to(colour.device)
        least, most = picture.aminmax(dim=0)
        light = open_page & (least >= LIGHT)
        grey = light & (most - least <= GREYISH)
        room = open_page.sum().clamp(min=1)
        tint = None
        if grey.sum() >= LEAST_LIGHT * room:
            tint, nearness = _tint(picture, grey)
        elif light.sum() >= PLAIN * room:
            tint, nearness = _tint(picture, light)
            if (nearness * open_page).sum() < PLAIN * room:
                tint = None
        if tint is not None and open_page.float().mean() >= LEAST_PAPER:
            near = nearness.cpu().numpy()
            alike = [n for n in rooms.beside if near[rooms.number == n].mean() > PLAIN]
            outside = rooms.outside(*alike)
            open_page = torch.from_numpy(outside > 0.99).to(colour.device)
            outside = torch.from_numpy(outside).to(tint)
            lighter = (picture + outside * nearness * (1.0 - tint)).clamp(max=1.0)
            bare = lighter.amin(dim=0) >= BARE
            reached = _without_glow(*(m.cpu().numpy() for m in (bare, open_page, least)))
            white = outside * torch.from_numpy(reached).to(tint)
            picture = torch.lerp(lighter, torch.ones_like(lighter), white).to(colour.dtype)
        pictures.append(picture)
    return torch.stack(pictures)


def _tint(picture: torch.Tensor, place: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """3×1×1, what a place is mostly coloured in, and H×W in [0, 1], how near to it all else is."""
    tint = picture[:, place].float().median(dim=1).values[:, None, None]
    return tint, torch.exp(-(picture - tint).square().sum(dim=0) / (2.0 * NEAR**2))


def _wide(place: np.ndarray, disc: np.ndarray) -> np.ndarray:
    """What of H×W 0 or 1 the disc covers without leaving it; beyond the page is room, too."""
    reach = len(disc) // 2
    page = cv2.copyMakeBorder(place, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=1)
    return cv2.morphologyEx(page, cv2.MORPH_OPEN, disc)[reach:-reach, reach:-reach]


def _without_glow(paper: np.ndarray, outside: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Paper that reaches the outlines, as far as it gets without crossing one.

    It grows from where it is wide, and only where that is wide, too: whatever else is bright, a
    shirt or a cheek that the outside flows into, and hair whose outline is open, stay as they were
    drawn. Light clouds that are left on it are no background and go.

    Args:
        paper, outside: H×W bool.
        least: H×W, the picture's least channel in [-1, 1].

    Returns:
        H×W float32 in [0, 1], soft where it ends.
    """
    reach = max(1, round(GLOW * max(paper.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    free = _wide(outside.astype(np.uint8), disc)
    grown = cv2.erode((paper & outside).astype(np.uint8), disc)
    for _ in range(2 * reach):
        grown = cv2.dilate(grown, np.ones((3, 3), np.uint8)) & free
    if grown.any():
        _, clouds = cv2.connectedComponents(outside.astype(np.uint8) & ~grown & 1, connectivity=4)
        areas = np.bincount(clouds.ravel())
        lightness = np.bincount(clouds.ravel(), least.ravel()) / areas
        gone = (areas < CLOUD * clouds.size) & (lightness > PALE)
        gone[0] = False  # not a cloud, but all the rest
        grown |= gone[clouds].astype(np.uint8)
        free |= grown
    # Soft towards what is left coloured, not towards the lines that it stops at.
    soft, room = (
        cv2.GaussianBlur(part.astype(np.float32), (0, 0), max(0.5, reach / 4.0))
        for part in (grown, free)
    )
    return soft / np.maximum(room, 1e-3)
