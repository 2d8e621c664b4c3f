"""Hint leak: how much a stroke changes the picture inside its region and outside of its part.

A stroke on one strand of hair should colour all of the hair. Therefore everything that has the
region's colour in the true picture, its part, may change.

Masks are H×W bool, pictures uint8 H×W×3 sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

__all__ = ["ProbeStroke", "probe_stroke", "stroke_changes"]

LINE_THRESHOLD = 0.6  # sketch values in [-1, 1] below this are lines
REGION_SHARE = (0.01, 0.2)  # range of the region's share of the picture
NEIGHBOURHOOD = 0.03  # of the height: pixels within this distance of the part may change, too
STROKE_DIAMETER = 0.02  # of the height
SAME_COLOUR = 12.0  # CIEDE2000: pixels closer to the region's median colour belong to its part
STROKE_COLORS = ((220, 40, 40), (40, 90, 220), (50, 170, 70), (240, 200, 40))


@dataclass(frozen=True)
class ProbeStroke:
    """A dot in the middle of a closed region.

    Attributes:
        region: mask of the region.
        part: mask of the region and all pixels of its colour in the true picture.
        painted: mask of the dot.
        color: of the dot, 8-bit sRGB.
    """

    region: np.ndarray
    part: np.ndarray
    painted: np.ndarray
    color: tuple[int, int, int]

    def hint_map(self) -> np.ndarray:
        """Float32 H×W×4: RGB in [-1, 1] where painted and 0 elsewhere, mask last."""
        hint_map = np.zeros((*self.painted.shape, 4), np.float32)
        hint_map[self.painted] = [*(value / 127.5 - 1.0 for value in self.color), 1.0]
        return hint_map

    def neighbourhood(self) -> np.ndarray:
        """Mask of the part, dilated by the width of soft edges."""
        diameter = 2 * round(NEIGHBOURHOOD * self.part.shape[0]) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
        return cv2.dilate(self.part.astype(np.uint8), disc) > 0


def probe_stroke(
    sketch: np.ndarray, truth: np.ndarray, rng: np.random.Generator
) -> ProbeStroke | None:
    """A dot at the widest place of a random closed region that does not touch the border.

    Args:
        sketch: H×W in [-1, 1].
        truth: H×W×3 uint8, the true picture.
        rng: of the choice of region and colour.

    Returns:
        The stroke, or None without a closed region of suitable size.
    """
    open_space = (sketch > LINE_THRESHOLD).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(open_space, connectivity=4)
    at_border = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    low, high = (share * sketch.size for share in REGION_SHARE)
    fitting = [
        label
        for label in range(1, count)
        if label not in at_border and low <= stats[label, cv2.CC_STAT_AREA] <= high
    ]
    if not fitting:
        return None
    region = labels == rng.choice(fitting)
    depth = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5)
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    painted = np.zeros(sketch.shape, np.uint8)
    radius = round(STROKE_DIAMETER * sketch.shape[0] / 2)
    cv2.circle(painted, (int(x), int(y)), radius, 1, cv2.FILLED)
    color = STROKE_COLORS[int(rng.integers(len(STROKE_COLORS)))]
    return ProbeStroke(region, _part(region, truth), (painted > 0) & region, color)


def _part(region: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mask of the region and all pixels close to its median colour in the truth."""
    lab = rgb2lab(truth / 255)
    median = np.median(lab[region], axis=0)
    return region | (deltaE_ciede2000(lab, np.broadcast_to(median, lab.shape)) < SAME_COLOUR)


def stroke_changes(
    plain: np.ndarray, hinted: np.ndarray, stroke: ProbeStroke
) -> tuple[float, float]:
    """Mean CIEDE2000 difference between the pictures without and with a stroke.

    Returns:
        The change inside the region, which should be large, and the leak, the change outside of
        the part's neighbourhood, which should be 0; it is 0 if there are no such pixels.
    """
    change = deltaE_ciede2000(rgb2lab(plain / 255), rgb2lab(hinted / 255))
    outside = change[~stroke.neighbourhood()]
    leak = float(outside.mean()) if outside.size else 0.0
    return float(change[stroke.region].mean()), leak
