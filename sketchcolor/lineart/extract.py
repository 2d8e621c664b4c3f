"""Colour picture → line art, in the styles of the sketches that people upload.

Extractors work at the picture's own size on ``uint8`` arrays; whoever needs a smaller drawing
shrinks the result. :func:`random_lineart` mixes them at random so that a network is trained on thin
pencil, ink, scans and broken lines; its ink statistics follow those of real sketches.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

__all__ = [
    "EXTRACTORS",
    "RANDOM_LINEART",
    "draw_lineart",
    "extract",
    "ink_statistics",
    "random_lineart",
]

RANDOM_LINEART = "random"  # instead of the name of an extractor: a mix of all


def adaptive_threshold(grey: np.ndarray, block: int = 9, constant: int = 2, gaussian: bool = False):
    """Black lines where a pixel is darker than its neighbourhood's mean minus ``constant``.

    Grover & Banker, section 3 (block size 9, constant 2). ``grey``: H×W uint8.
    """
    method = cv2.ADAPTIVE_THRESH_GAUSSIAN_C if gaussian else cv2.ADAPTIVE_THRESH_MEAN_C
    return cv2.adaptiveThreshold(grey, 255, method, cv2.THRESH_BINARY, block, constant)


def xdog(
    grey: np.ndarray, sigma: float = 0.5, k: float = 4.5, gamma: float = 0.95, phi: float = 60.0
) -> np.ndarray:
    """Extended difference of Gaussians (Winnemöller et al. 2012).

    The defaults are those of the line-art colorization papers; a small ``phi`` gives
    soft pencil strokes, a large one hard ink. ``grey``: H×W uint8.
    """
    image = grey.astype(np.float32) / 255.0
    fine = cv2.GaussianBlur(image, (0, 0), sigma)
    coarse = cv2.GaussianBlur(image, (0, 0), sigma * k)
    response = np.minimum(fine - gamma * coarse, 0.0)
    return ((1.0 + np.tanh(phi * response)) * 255.0).astype(np.uint8)


def dodge(grey: np.ndarray, radius: int = 2) -> np.ndarray:
    """Pencil look: a pixel's lightness relative to the lightest one near it.

    A morphological version of the "colour dodge" sketch filter. Thin dark strokes keep their own
    grey, flat areas and gradual shading become white. ``grey``: H×W uint8.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    lightest = cv2.GaussianBlur(cv2.dilate(grey, kernel), (0, 0), radius)
    ratio = grey.astype(np.float32) / np.maximum(lightest, 1)
    return (np.clip((ratio - 0.35) / 0.6, 0.0, 1.0) * 255.0).astype(np.uint8)


def contour(colour: np.ndarray, sigma: float = 0.8, gain: float = 3.0) -> np.ndarray:
    """Thin lines along borders between colours, where the Lab gradient is largest, inked or not.

    Non-maximum suppression keeps one pixel across an edge, so the result looks like that of a
    technical pen. ``colour``: H×W×3 uint8 RGB.
    """
    lab = cv2.cvtColor(colour, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab = cv2.GaussianBlur(lab, (0, 0), sigma)
    gx = cv2.Sobel(lab, cv2.CV_32F, 1, 0, scale=0.25)
    gy = cv2.Sobel(lab, cv2.CV_32F, 0, 1, scale=0.25)
    total = np.ones((1, 3), np.float32)
    gx2, gy2 = cv2.transform(gx * gx, total), cv2.transform(gy * gy, total)
    magnitude = np.sqrt(gx2 + gy2)
    # The largest magnitude in a row or column of three, whichever lies across the edge.
    row, column = np.ones((1, 3), np.uint8), np.ones((3, 1), np.uint8)
    across = np.where(gx2 > gy2, cv2.dilate(magnitude, row), cv2.dilate(magnitude, column))
    ridge = np.where(magnitude >= across, magnitude, 0.0)
    ridge = cv2.GaussianBlur(np.clip((ridge - 6.0) * gain, 0.0, 255.0), (0, 0), 0.6) * 1.8
    return (255.0 - np.clip(ridge, 0.0, 255.0)).astype(np.uint8)


def _grey(colour: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)


EXTRACTORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "adaptive-mean": lambda colour: adaptive_threshold(_grey(colour)),
    "adaptive-gaussian": lambda colour: adaptive_threshold(_grey(colour), gaussian=True),
    "xdog": lambda colour: xdog(_grey(colour)),
    "xdog-soft": lambda colour: xdog(_grey(colour), phi=9.0),
    "dodge": lambda colour: dodge(_grey(colour)),
    "contour": contour,
}


def extract(colour: np.ndarray, extractor: str = "xdog-soft") -> np.ndarray:
    """Line art of a colour picture by one named extractor at its published settings.

    Args:
        colour: H×W×3 uint8, sRGB.
        extractor: a key of :data:`EXTRACTORS`.

    Returns:
        H×W uint8, 255 = paper.

    Raises:
        ValueError: the extractor is not known.
    """
    if extractor not in EXTRACTORS:
        raise ValueError(f"Unknown extractor {extractor!r}; choose one of {', '.join(EXTRACTORS)}.")
    return EXTRACTORS[extractor](np.ascontiguousarray(colour))


def draw_lineart(colour: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Line art of a colour picture, in the hand that is asked for.

    Args:
        colour: H×W×3 uint8, sRGB.
        kind: :data:`RANDOM_LINEART`, or a key of :data:`EXTRACTORS`.
        rng: of random line art.

    Returns:
        H×W uint8, 255 = paper.

    Raises:
        ValueError: the kind is not known.
    """
    return random_lineart(colour, rng) if kind == RANDOM_LINEART else extract(colour, kind)


def random_lineart(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Line art in a random hand: extractor, thickness, breaks, grey level and paper tone.

    Args:
        colour: H×W×3 uint8, sRGB.
        rng: the only source of randomness.

    Returns:
        H×W uint8, 255 = paper.
    """
    colour = np.ascontiguousarray(colour)
    lines = _random_extractor(colour, rng).astype(np.float32) / 255.0
    lines = _random_thickness(lines, rng)
    if rng.random() < 0.35:
        lines = _random_breaks(lines, rng)
    # Half of the drawings are pencil, whose darkest stroke is grey.
    if rng.random() < 0.5:
        lines = 1.0 - (1.0 - lines) * rng.uniform(0.35, 0.95)
    if rng.random() < 0.2:
        lines = _random_paper(lines, rng)
    return (np.clip(lines, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _random_extractor(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One extractor, or two blended as in Cobra, with parameters around the published ones."""

    def one() -> np.ndarray:
        kind = rng.choice(
            ["xdog-soft", "xdog", "dodge", "contour", "adaptive"], p=[0.38, 0.07, 0.3, 0.2, 0.05]
        )
        if kind == "xdog-soft":
            return xdog(_grey(colour), rng.uniform(0.3, 0.6), 4.5, 0.95, rng.uniform(4.0, 12.0))
        if kind == "xdog":
            return xdog(_grey(colour), rng.uniform(0.3, 0.5), 4.5, rng.uniform(0.92, 0.95), 60.0)
        if kind == "dodge":
            return dodge(_grey(colour), int(rng.integers(1, 4)))
        if kind == "contour":
            return contour(colour, rng.uniform(0.6, 1.2), rng.uniform(1.5, 4.0))
        smooth = cv2.bilateralFilter(_grey(colour), 5, 25, 3)
        return adaptive_threshold(smooth, 9, int(rng.integers(4, 9)), bool(rng.random() < 0.5))

    lines = one()
    if rng.random() < 0.2:
        share = rng.random()
        lines = cv2.addWeighted(lines, share, one(), 1.0 - share, 0.0)
    return lines


def _random_thickness(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Makes most drawings' lines thinner and some thicker, by a random fraction of a pixel."""
    kind = rng.random()
    if kind < 0.6:
        thin = cv2.dilate(lines, np.ones((2, 2), np.uint8))
        return lines + (thin - lines) * rng.uniform(0.3, 0.9)
    if kind < 0.68:
        thick = cv2.erode(lines, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
        return lines + (thick - lines) * rng.uniform(0.3, 0.9)
    return lines


def _random_breaks(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fades strokes where a smooth random field is low, like gaps of a quickly drawn line."""
    height, width = lines.shape
    field = rng.random((max(4, height // 12), max(4, width // 12)), dtype=np.float32)
    field = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    keep = np.clip((field - rng.uniform(0.05, 0.3)) * 8.0, 0.0, 1.0)
    return 1.0 - (1.0 - lines) * keep


def _random_paper(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Adds what a scan of paper has: grain, and brightness that changes slowly over the page."""
    height, width = lines.shape
    corners = rng.uniform(0.86, 1.0, (2, 2)).astype(np.float32)
    tone = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    grain = rng.normal(0.0, rng.uniform(0.0, 0.02), lines.shape).astype(np.float32)
    return lines * tone + grain


def ink_statistics(lines: np.ndarray) -> dict[str, float]:
    """How much ink a line drawing carries.

    Args:
        lines: H×W uint8, 255 = paper.

    Returns:
        ``darkness`` (mean of 1 − grey), ``half`` (share of pixels darker than half) and
        ``touched`` (share darker than 0.9), each in [0, 1].
    """
    grey = lines.astype(np.float32) / 255.0
    return {
        "darkness": float(1.0 - grey.mean()),
        "half": float((grey < 0.5).mean()),
        "touched": float((grey < 0.9).mean()),
    }
