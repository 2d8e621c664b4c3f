"""The style pass: paint a coloured sketch in a style, then blend the result with the sketch.

The blend limits what the style transfer can change: its strength, its colours, and whether it
covers the figure or the background. The artist's lines are laid on top again.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from ..lineart.figure import figure_mask
from ..postprocess.compose import keep_lines
from .optimisation import OnStep
from .settings import (
    DEFAULT_RESOLUTION,
    FAST,
    RESOLUTIONS,
    Settings,
    Style,
    StyleBlend,
    total_weight,
)
from .transfer import StyleTransfer

__all__ = ["StyleBlend", "check_painting", "lay_over", "paint", "stylize"]


def stylize(
    picture: Image.Image,
    styles: Sequence[Style],
    transfer: StyleTransfer,
    blend: StyleBlend | None = None,
    sketch: Image.Image | None = None,
    settings: Settings = FAST,
    resolution: int = DEFAULT_RESOLUTION,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> Image.Image:
    """Paint a coloured picture in the style of others.

    Args:
        picture: mode RGB, the coloured sketch, any size.
        styles: see :class:`Style`.
        transfer: the engine; one may serve any number of calls.
        blend: how the painted style is blended with the picture; None is ``StyleBlend()``.
        sketch: the picture's line art, mode L and of the picture's size.
        settings: see :data:`FAST`.
        resolution: px, longer side at which the style is painted; never above the picture's own.
        seed: of the initial noise, if ``settings.start`` is ``noise``.
        on_step: called after every iteration; if it returns False, the best picture so far is used.

    Returns:
        Mode RGB, the picture's size.

    Raises:
        ValueError: a setting is out of range, the sketch has another size, or no style is given.
    """
    blend = blend or StyleBlend()
    _check(blend, picture, sketch)  # before the long work
    painted = paint(picture, styles, transfer, settings, resolution, seed, on_step)
    return lay_over(picture, painted, blend, sketch)


def paint(
    picture: Image.Image,
    styles: Sequence[Style],
    transfer: StyleTransfer,
    settings: Settings = FAST,
    resolution: int = DEFAULT_RESOLUTION,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> Image.Image:
    """The slow half of :func:`stylize`: paint the whole picture in the style.

    Args:
        picture, styles, transfer, settings, resolution, seed, on_step: as in :func:`stylize`.

    Returns:
        Mode RGB, its longer side ``resolution`` px, or the picture's own where that is less.

    Raises:
        ValueError: the resolution is out of range, or no style is given.
    """
    check_painting(styles, resolution)
    side = max(RESOLUTIONS[0], min(resolution, max(picture.size)))
    return transfer(picture, styles, settings.at(side), seed, on_step)


def check_painting(styles: Sequence[Style], resolution: int) -> None:
    """Refuse before the long work what :func:`paint` cannot do.

    Raises:
        ValueError: the resolution is out of range, or no style has a weight.
    """
    total_weight(styles)
    if not RESOLUTIONS[0] <= resolution <= RESOLUTIONS[1]:
        raise ValueError(
            f"The working resolution of a style must be between {RESOLUTIONS[0]} and "
            f"{RESOLUTIONS[1]}."
        )


def lay_over(
    picture: Image.Image,
    painted: Image.Image,
    blend: StyleBlend,
    sketch: Image.Image | None = None,
) -> Image.Image:
    """The fast half of :func:`stylize`: blend the painted style with the picture.

    Args:
        picture: mode RGB.
        painted: from :func:`paint`.
        blend, sketch: as in :func:`stylize`.

    Returns:
        Mode RGB, the picture's size.

    Raises:
        ValueError: the sketch is missing or has another size.
    """
    _check(blend, picture, sketch)
    original = np.asarray(picture)
    result = _enlarge(np.asarray(painted), original).astype(np.float32)
    if blend.keep_colours:
        result = _with_lightness_of(result, original)
    share = np.full((*original.shape[:2], 1), blend.strength, np.float32)
    if blend.region != "all":
        assert sketch is not None
        figure = figure_mask(sketch)[..., None]
        share *= figure if blend.region == "figure" else 1.0 - figure
    mixed = original + share * (result - original)
    image = Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))
    return keep_lines(image, sketch) if sketch is not None and blend.keep_lines else image


def _check(blend: StyleBlend, picture: Image.Image, sketch: Image.Image | None) -> None:
    if sketch is None and blend.region != "all":
        raise ValueError(
            "A figure can be separated from its background only by its sketch: give it, too."
        )
    if sketch is not None and sketch.size != picture.size:
        raise ValueError(
            f"The sketch is {sketch.width}×{sketch.height} px and the picture "
            f"{picture.width}×{picture.height} px: give both in one size."
        )


def _enlarge(painted: np.ndarray, original: np.ndarray) -> np.ndarray:
    """The painted style at the picture's size.

    The change that the style made is enlarged and added, so that the picture's edges stay sharp.
    """
    small_size, full_size = painted.shape[1::-1], original.shape[1::-1]
    if small_size == full_size:
        return painted
    small = cv2.resize(original, small_size, interpolation=cv2.INTER_AREA)
    change = painted.astype(np.float32) - small
    change = cv2.resize(change, full_size, interpolation=cv2.INTER_CUBIC)
    return np.clip(original + change, 0.0, 255.0)


def _with_lightness_of(result: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Hue and saturation of ``original``, lightness of ``result``; float32 H×W×3, 0 to 255."""
    lab, light = (
        cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
        for image in (original, result)
    )
    lab[..., 0] = light[..., 0]
    return np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0.0, 1.0) * 255.0
