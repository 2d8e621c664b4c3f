"""Image-similarity metrics of Grover & Banker (section 4.2.3, figures 15 to 19).

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
    "pixel_similarity",
    "sift_similarity",
]

# Per cent. Figure 19 has intervals 6 to 12 and 42 to 48; the last one ends beyond 100.
INTERVALS = np.arange(0, 103, 6)
LEVELS = np.arange(256) / 255
LOWE_RATIO = 0.8


def pixel_difference(output: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Euclidean distance of the colours at every pixel, per cent of that from black to white.

    Figure 19 of Grover & Banker has one "euclidean difference" for each of 100 pictures, from 4.62
    to 59.19 per cent. Its normalisation is not given; the mean over the picture is on that scale.

    Args:
        output, truth: pictures of one size.

    Returns:
        Float H×W in [0, 100].
    """
    distance = np.linalg.norm(output.astype(np.float64) - truth, axis=-1)
    return 100 * distance / (255 * np.sqrt(3))


def pixel_similarity(output: np.ndarray, truth: np.ndarray) -> float:
    """The L1 norm of the pixel differences, as a similarity (Grover & Banker, 4.2.3, figure 15).

    Departure: the paper's sum of absolute differences grows with the picture; here it is divided by
    its maximum and subtracted from 1.

    Args:
        output, truth: pictures of one size.

    Returns:
        From 0 (black against white) to 1 (equal pictures).
    """
    return 1.0 - float(np.abs(output.astype(np.float64) - truth).mean()) / 255.0


def colour_emd(output: np.ndarray, truth: np.ndarray) -> float:
    """Earth mover's distance between histograms (Rubner et al. 2000; Grover & Banker, 4.2.3).

    Each channel has a normalised histogram of its 256 levels, which are scaled to [0, 1]. The
    distance is averaged over red, green and blue: shifting one channel by 51 levels costs
    51 / 255 / 3.

    Departure: the values in figure 17 of Grover & Banker, 0.001 to 0.006, are probably not this
    distance, and cannot be compared with it. It is at least the difference of the mean levels,
    which cannot be below 1.5 levels for all pictures that differ by 5 to 59 per cent (figure 19);
    two different pictures have about 0.15. Their values fit a distance between the *heights* of 256
    bars, which is below 2 / 256 and ignores the bars' levels.

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
    nearest (Lowe 2004, section 7.1). It depends on grey values only and is invariant to translation
    and rotation, so it measures whether the drawing is preserved, not its colours. Grover & Banker
    (figure 18) report mostly 0.7 to 0.9, without their matching method.

    Args:
        output, truth: pictures, of any two sizes.

    Returns:
        From 0 to 1; NaN if the truth has no keypoints, as a flat picture has none.
    """
    sift = cv2.SIFT_create()  # type: ignore[attr-defined]  # missing in its stubs
    true_descriptors, found = (
        sift.detectAndCompute(cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY), None)[1]
        for p in (truth, output)
    )
    if true_descriptors is None:
        return float("nan")
    if found is None or len(found) < 2:  # there is no second nearest
        return 0.0
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(true_descriptors, found, k=2)
    matches = [first for first, second in pairs if first.distance < LOWE_RATIO * second.distance]
    return len(matches) / len(true_descriptors)
