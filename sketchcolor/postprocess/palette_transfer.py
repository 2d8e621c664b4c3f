"""Palette transfer: a picture's own main colours are moved onto the requested ones.

The networks are given the palette, but small networks keep to it only roughly. So the picture's own
palette is taken and matched with the requested one, and every pixel moves as its nearest main
colours do (palette-based recolouring, Chang et al. 2015, with Gaussian weights in CIELAB). Where a
colour goes does not depend on its place: a coarse table of all colours is moved and looked up.

A guessed palette never removes or invents skin, and moves a colour far only if it becomes duller.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment

from ..colour_space import lab_to_rgb, rgb_to_lab
from ..conditions.palette import Palette, chroma, from_image, is_skin
from ..images import to_pil

__all__ = ["transfer_palette", "match"]

SOFTNESS = 12.0  # ΔE over which a main colour pulls the pixels around it
SHARE_COST = 30.0  # ΔE that a colour's whole share of the picture counts as in matching
FAR = 45.0  # ΔE further than which no guess moves a colour,
DULLER = 0.7  # but to one of at most so much of its chroma
TABLE = 33  # colours a side of the table: steps of 8 levels, much finer than SOFTNESS
ANCHORS = np.array([[255, 255, 255], [0, 0, 0]], np.uint8)  # paper and ink stay what they are


def transfer_palette(
    colour: torch.Tensor,
    palette: torch.Tensor,
    weights: torch.Tensor,
    main: torch.Tensor | None = None,
    is_guess: bool = False,
) -> torch.Tensor:
    """Move pictures onto their palettes.

    Args:
        colour: B×3×H×W in [-1, 1].
        palette: B×K×3 in [-1, 1]. weights: B×K; colours of weight 0 are not asked for.
        main: B×3×h×w pictures whose main colours are moved onto the palette, and the picture's
            colours along with them; None takes the picture's own main colours.
        is_guess: nobody asked for the palette.

    Returns:
        B×3×H×W in [-1, 1].
    """
    pictures = []
    sources = colour if main is None else main
    for picture, colors, shares, source in zip(colour, palette, weights, sources, strict=True):
        used = shares.float().cpu().numpy() > 0
        rgb = np.round((colors.float().cpu().numpy()[used] + 1.0) * 127.5).astype(np.uint8)
        wanted = Palette(rgb, shares.float().cpu().numpy()[used])
        image = np.asarray(to_pil(source[None].float().cpu())[0])
        own = from_image(image, size=len(rgb))
        table = _recolour(_all_colours(), own, _targets(own, wanted, is_guess))
        pictures.append(_look_up(table, picture))
    return torch.stack(pictures)


def match(own: Palette, wanted: Palette) -> np.ndarray:
    """For each colour of ``own`` the index of its partner in ``wanted``, no two the same.

    Partners are near in CIELAB and in share. ``own`` must not have more colours than ``wanted``.
    """
    distance = np.linalg.norm(
        _bytes_to_lab(own.colors)[:, None] - _bytes_to_lab(wanted.colors)[None], axis=2
    )
    shares = np.abs(own.weights[:, None] - wanted.weights[None])
    return linear_sum_assignment(distance + SHARE_COST * shares)[1]


def _all_colours() -> np.ndarray:
    """T²×T×3 float32 in [0, 1]: every mixture of T levels of blue and green (rows) and red."""
    levels = np.linspace(0.0, 1.0, TABLE, dtype=np.float32)
    blue, green, red = np.meshgrid(levels, levels, levels, indexing="ij")
    return np.stack([red, green, blue], axis=-1).reshape(TABLE**2, TABLE, 3)


def _look_up(table: np.ndarray, picture: torch.Tensor) -> torch.Tensor:
    """3×H×W in [-1, 1] → 3×H×W, between the table's colours linearly."""
    volume = torch.from_numpy(table).reshape(1, TABLE, TABLE, TABLE, 3).permute(0, 4, 1, 2, 3)
    where = picture.float().clamp(-1.0, 1.0).permute(1, 2, 0)[None, None]
    volume = volume.contiguous().to(where.device)
    found = F.grid_sample(volume, where, align_corners=True)
    return found[0, :, 0].to(picture.dtype)


def _targets(own: Palette, wanted: Palette, is_guess: bool) -> np.ndarray:
    """Where each colour of ``own`` goes, N×3 CIELAB."""
    mains, targets = _bytes_to_lab(own.colors), _bytes_to_lab(wanted.colors[match(own, wanted)])
    if is_guess:
        stays = is_skin(mains) != is_skin(targets)
        duller = chroma(targets) <= DULLER * chroma(mains)
        stays |= (np.linalg.norm(targets - mains, axis=1) > FAR) & ~duller
        targets[stays] = mains[stays]
    return targets


def _recolour(colours: np.ndarray, own: Palette, targets: np.ndarray) -> np.ndarray:
    """H×W×3 in [0, 1], of a picture with the palette ``own`` → H×W×3 float32 in [-1, 1]."""
    mains, targets = (
        np.concatenate([c, _bytes_to_lab(ANCHORS)]) for c in (_bytes_to_lab(own.colors), targets)
    )
    pixels = rgb_to_lab(colours)
    squared = (pixels**2).sum(axis=2, keepdims=True) - 2.0 * pixels @ mains.T + (mains**2).sum(1)
    pull = np.exp(squared / (-2.0 * SOFTNESS**2))
    moved = pull @ (targets - mains) / (pull.sum(axis=2, keepdims=True) + np.float32(1e-9))
    return lab_to_rgb(pixels + moved) * 2.0 - 1.0


def _bytes_to_lab(colors: np.ndarray) -> np.ndarray:
    """N×3 uint8 sRGB → N×3 CIELAB."""
    return rgb_to_lab(colors.astype(np.float32) / 255.0)
