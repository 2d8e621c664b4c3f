"""Pictures of any size → training squares, with random augmentation."""

from __future__ import annotations

import cv2
import numpy as np

from .mosaic import border_pixels, has_white_border

__all__ = ["frame"]

# Side of the random square window around a whole figure, in longer sides of its picture: the larger
# the window, the smaller the figure.
CLOSE_WINDOW = (1.0, 1.25)
WIDE_WINDOW = (1.25, 2.4)

# W. Zhang (section II A) names these kinds of distortion without amounts; the amounts are ours.
MAX_ROTATION = 15.0  # degrees
MAX_SHEAR = 0.15  # horizontal shift per unit of height
MAX_ZOOM = 1.2  # and its inverse
MAX_SHIFT = 0.1  # in sides of the window
LINE_NOISE = 0.03  # standard deviation, in units of the range from black to white


def frame(
    colour: np.ndarray, lines: np.ndarray, side: int, augmentation: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Map a picture and its line art to one square, by one random affine map.

    Args:
        colour: H×W×3 uint8. lines: H×W uint8.
        side: of the result, pixels.
        augmentation: ``none`` shows the whole picture if its border is white, and the central
            square otherwise; ``flip`` adds random mirroring (Liao, Ahmed & Shrestha, section 4.2);
            ``distort`` adds random rotation, shear, zoom and shift instead, and Gaussian noise (W.
            Zhang) on the line art only, or the noise would be learned as colour; ``figures`` mixes
            whole figures of several sizes with crops of several scales, small rotations and
            mirroring.

    Returns:
        S×S×3 and S×S uint8.
    """
    height, width = lines.shape
    short, long = min(height, width), max(height, width)
    on_white = has_white_border(colour)
    angle, shear, window = 0.0, 0.0, float(long if on_white else short)
    x, y = width / 2.0, height / 2.0
    if augmentation == "figures":
        angle = float(rng.normal(0.0, 4.0)) if rng.random() < 0.3 else 0.0
        if on_white and rng.random() < 0.7:
            window = long * rng.uniform(*(CLOSE_WINDOW if rng.random() < 0.55 else WIDE_WINDOW))
            x += rng.uniform(-0.5, 0.5) * max(0.0, window - width)
            y += rng.uniform(-0.5, 0.5) * max(0.0, window - height)
        else:
            window = short * rng.uniform(0.55, 1.0)
            x = width / 2.0 + rng.uniform(-0.5, 0.5) * (width - window)
            y = height / 2.0 + rng.uniform(-0.5, 0.5) * (height - window)
    elif augmentation == "distort":
        angle = rng.uniform(-MAX_ROTATION, MAX_ROTATION)
        shear = rng.uniform(-MAX_SHEAR, MAX_SHEAR)
        x, y = np.array([x, y]) + window * rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2)
        window *= MAX_ZOOM ** rng.uniform(-1.0, 1.0)
    mirror = augmentation in ("figures", "flip") and rng.random() < 0.5
    scale = side / window
    turn = cv2.getRotationMatrix2D((x, y), angle, scale)
    turn[:, 2] += side / 2.0 - np.array([x, y])
    turn[0] += shear * turn[1]
    turn[0, 2] -= shear * side / 2.0
    if mirror:
        turn[0] = -turn[0]
        turn[0, 2] += side - 1.0
    fill = cv2.BORDER_CONSTANT if on_white else cv2.BORDER_REFLECT_101

    def warp(image: np.ndarray) -> np.ndarray:
        # Outside of the picture its border's colour continues, since scanned paper is not white.
        beyond = np.median(border_pixels(image), axis=0).tolist()
        if scale < 0.9:  # low-pass filter, because warpAffine does not average
            image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
        return cv2.warpAffine(image, turn, (side, side), None, cv2.INTER_LINEAR, fill, beyond)

    colour, lines = warp(np.ascontiguousarray(colour)), warp(np.ascontiguousarray(lines))
    if augmentation == "distort":
        noisy = lines + rng.normal(0.0, 255.0 * LINE_NOISE, lines.shape)
        lines = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
    return colour, lines
