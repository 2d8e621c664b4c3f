"""Whitens paper: removes a light, even tint around the figure, and colour that crosses outlines.

With a palette that has no white, the networks tint the empty page evenly. A painted background is
left alone: it is darker, has more than one tint, or covers much of the page. Paper that the figure
separates from the rest, as between an arm and the body, is recognised by having the same tint.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ..images import to_pil
from ..lineart.figure import Rooms

__all__ = ["whiten_paper"]

LEAST_PAPER = 0.05  # of the page lies outside the figure; with less there is no paper to whiten
LEAST_LIGHT = 0.3  # of the paper must be light; a stroke may have coloured the rest
LIGHT = 0.4  # in [-1, 1]: what has a channel below this was painted
GREYISH = 0.25  # largest difference of channels in a grey tint; an open face is light, but no grey
PLAIN = 0.5  # of the paper must have one tint if that is no grey: open faces are smaller
TINT_RANGE = 0.12  # distance in RGB over which a colour is no longer the tint
BARE = 0.95  # in [-1, 1]: all channels of white paper are above this, light skin is below
GLOW = 0.02  # of the longer side: colour this near to an outline is taken to have crossed it
BLOB = 0.12  # of the page: light blobs of this size or more are painted or belong to a figure
PALE = 0.0  # in [-1, 1]: a smaller blob whose least channel is above this on average is whitened


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
            open_share = torch.from_numpy(outside).to(tint)
            lighter = (picture + open_share * nearness * (1.0 - tint)).clamp(max=1.0)
            bare = lighter.amin(dim=0) >= BARE
            reached = _reachable_paper(*(m.cpu().numpy() for m in (bare, open_page, least)))
            white = open_share * torch.from_numpy(reached).to(tint)
            picture = torch.lerp(lighter, torch.ones_like(lighter), white).to(colour.dtype)
        pictures.append(picture)
    return torch.stack(pictures)


def _tint(picture: torch.Tensor, place: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """3×1×1, the median colour of a place, and H×W in [0, 1], how near each pixel is to it."""
    tint = picture[:, place].float().median(dim=1).values[:, None, None]
    return tint, torch.exp(-(picture - tint).square().sum(dim=0) / (2.0 * TINT_RANGE**2))


def _wide(place: np.ndarray, disc: np.ndarray) -> np.ndarray:
    """H×W of 0 and 1, opened by a disc; beyond the page counts as 1."""
    reach = len(disc) // 2
    page = cv2.copyMakeBorder(place, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=1)
    return cv2.morphologyEx(page, cv2.MORPH_OPEN, disc)[reach:-reach, reach:-reach]


def _reachable_paper(paper: np.ndarray, outside: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Where paper is white, grown up to the outlines without crossing one.

    It grows from wide places through wide places only, so that bright parts which an open outline
    connects with the outside, a shirt, a cheek or hair, keep their colour. Remaining small light
    blobs are whitened.

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
        _, blobs = cv2.connectedComponents(outside.astype(np.uint8) & ~grown & 1, connectivity=4)
        areas = np.bincount(blobs.ravel())
        lightness = np.bincount(blobs.ravel(), least.ravel()) / areas
        gone = (areas < BLOB * blobs.size) & (lightness > PALE)
        gone[0] = False  # not a blob, but all the rest
        grown |= gone[blobs].astype(np.uint8)
        free |= grown
    # Soft towards what is left coloured, not towards the lines that it stops at.
    soft, room = (
        cv2.GaussianBlur(part.astype(np.float32), (0, 0), max(0.5, reach / 4.0))
        for part in (grown, free)
    )
    return soft / np.maximum(room, 1e-3)
