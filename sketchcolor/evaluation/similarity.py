"""Similarity of a colouring and the true picture as in Grover & Banker (4.2.3, figures 15 to 19).

Pictures are uint8 H×W×3 sRGB arrays. The paper's fourth measure, SSIM (figure 16), is
:func:`sketchcolor.evaluation.metrics.ssim`.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.stats import wasserstein_distance

__all__ = [
    "INTERVALS",
    "colour_emd",
    "pixel_difference",
    "pixel_difference_histogram",
    "sift_similarity",
]

# Per cent. Figure 19 speaks of 6 to 12 and 42 to 48; the last interval ends beyond 100.
INTERVALS = np.arange(0, 103, 6)
LEVELS = np.arange(256) / 255
LOWE_RATIO = 0.8


def pixel_difference(output: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Euclidean distance of the colours at every pixel, per cent of black to white.

    Figure 19 of Grover & Banker has one "euclidean difference" for each of 100 pictures, from 4.62
    to 59.19 per cent, without saying how it is normalised; the mean over the picture is on that
    scale.

    Args:
        output, truth: pictures of one size.

    Returns:
        Float H×W in [0, 100].
    """
    distance = np.linalg.norm(output.astype(np.float64) - truth, axis=-1)
    return 100 * distance / (255 * np.sqrt(3))


def pixel_difference_histogram(output: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share of the pixels whose difference lies in each of ``INTERVALS``.

    Departure: figures 15 and 19 of Grover & Banker count pictures, of which a pair has only one. A
    histogram of pixels tells a few wrong regions from an overall tint, which the picture's mean
    difference does not; the mean histogram of a test set is its histogram.

    Args:
        output, truth: pictures of one size.

    Returns:
        17 floats that sum to 1: 0 to 6 per cent of the greatest difference, then 6 to 12, …
    """
    difference = pixel_difference(output, truth)
    counts, _ = np.histogram(difference, bins=INTERVALS)
    return counts / difference.size


def colour_emd(output: np.ndarray, truth: np.ndarray) -> float:
    """Earth mover's distance between histograms (Rubner et al. 2000; Grover & Banker, 4.2.3).

    Each channel has a normalised histogram of all its 256 levels, placed in [0, 1], so no tone is
    rounded: the result is how far, as a share of black to white, a channel's mass has to move,
    averaged over red, green and blue. Moving all of one channel by 51 levels costs 51 / 255 / 3.

    Departure: figure 17 of Grover & Banker has 0.001 to 0.006, which is hardly this distance. It is
    never less than the difference of the mean tones, and pictures that are 5 to 59 per cent off
    (figure 19) do not all keep their mean tone within 1.5 levels; two different pictures measure
    about 0.15. Their numbers suit the distance between the *heights* of 256 bars, which is below
    2 / 256 and does not know the bars' tones: compare nothing measured here with them.

    Args:
        output, truth: pictures, of any two sizes.

    Returns:
        From 0 (equal histograms) to 1 (black against white).
    """
    distances = []
    for channel in range(3):
        bars = [np.bincount(p[..., channel].ravel(), minlength=256) for p in (output, truth)]
        distances.append(wasserstein_distance(LEVELS, LEVELS, *bars))
    return float(np.mean(distances))


def sift_similarity(output: np.ndarray, truth: np.ndarray) -> float:
    """Share of the truth's SIFT keypoints that are found again in the output.

    A keypoint is found if its nearest neighbour in the output is closer than 0.8 times the second
    nearest (Lowe 2004, section 7.1). Grey values only, and unmoved by translation and rotation:
    it tells whether the drawing survived, not whether its colours are right. Grover & Banker
    (figure 18) have mostly 0.7 to 0.9, without saying how they match.

    Args:
        output, truth: pictures, of any two sizes.

    Returns:
        From 0 to 1; NaN if the truth has no keypoints, as a flat picture has none.
    """
    sift = cv2.SIFT_create()
    wanted, found = (
        sift.detectAndCompute(cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY), None)[1]
        for p in (truth, output)
    )
    if wanted is None:
        return float("nan")
    if found is None or len(found) < 2:  # there is no second nearest
        return 0.0
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(wanted, found, k=2)
    matches = [first for first, second in pairs if first.distance < LOWE_RATIO * second.distance]
    return len(matches) / len(wanted)
