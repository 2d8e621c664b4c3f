"""Hint leak: what one stroke changes in its region, and what it changes outside of its part.

A stroke on one strand of hair is about all of the hair, so what the true picture has in the same
colour may change with it.

Masks are H×W bool, pictures uint8 H×W×3 sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

__all__ = ["ProbeStroke", "probe_stroke", "stroke_changes"]

INK = 0.6  # sketch values below are lines, when regions are looked for
REGION = (0.01, 0.2)  # least and greatest share of the picture of a region that gets a stroke
NEIGHBOURHOOD = 0.03  # of the height: what lies this near to a region belongs to it
STROKE = 0.02  # diameter, of the height
SAME_PART = 12.0  # CIEDE2000 to the region's own colour in the truth, within which all is one part
COLORS = ((220, 40, 40), (40, 90, 220), (50, 170, 70), (240, 200, 40))


@dataclass(frozen=True)
class ProbeStroke:
    """A dot of a colour in the middle of a closed region.

    Attributes:
        region: the mask of the region.
        part: the mask of all that the true picture has in the region's colour, itself included.
        painted: the mask of the dot, inside the region.
        color: sRGB, 0 to 255.
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
        """The part and what lies so near that a soft edge may reach it."""
        reach = 2 * round(NEIGHBOURHOOD * self.part.shape[0]) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        return cv2.dilate(self.part.astype(np.uint8), disc) > 0


def probe_stroke(
    sketch: np.ndarray, truth: np.ndarray, rng: np.random.Generator
) -> ProbeStroke | None:
    """A dot at the widest place of a random closed region that does not touch the rim.

    Args:
        sketch: H×W in [-1, 1].
        truth: H×W×3 uint8, the true picture.
        rng: chooses region and colour.

    Returns:
        The stroke, or None where no region is closed and of a fitting size.
    """
    open_space = (sketch > INK).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(open_space, connectivity=4)
    rim = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    low, high = (share * sketch.size for share in REGION)
    fitting = [
        label
        for label in range(1, count)
        if label not in rim and low <= stats[label, cv2.CC_STAT_AREA] <= high
    ]
    if not fitting:
        return None
    region = labels == rng.choice(fitting)
    depth = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5)
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    painted = np.zeros(sketch.shape, np.uint8)
    cv2.circle(painted, (int(x), int(y)), round(STROKE * sketch.shape[0] / 2), 1, cv2.FILLED)
    color = COLORS[int(rng.integers(len(COLORS)))]
    return ProbeStroke(region, _part(region, truth), (painted > 0) & region, color)


def _part(region: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The region and whatever has its median colour in the truth."""
    lab = rgb2lab(truth / 255)
    own = np.median(lab[region], axis=0)
    return region | (deltaE_ciede2000(lab, np.broadcast_to(own, lab.shape)) < SAME_PART)


def stroke_changes(
    plain: np.ndarray, hinted: np.ndarray, stroke: ProbeStroke
) -> tuple[float, float]:
    """Mean CIEDE2000 between pictures without and with a stroke: in its region, and elsewhere.

    Returns:
        The change inside the region, which should be great, and that away from its part, the
        leak, which should be 0; it is 0 where the part is all of the picture.
    """
    change = deltaE_ciede2000(rgb2lab(plain / 255), rgb2lab(hinted / 255))
    elsewhere = change[~stroke.neighbourhood()]
    leak = float(elsewhere.mean()) if elsewhere.size else 0.0
    return float(change[stroke.region].mean()), leak
