"""Colour hints: strokes → layer → hint map, and hints simulated from a colour picture.

A hint map is H×W×4 float32: sRGB in [-1, 1] where painted and 0 elsewhere, then the
mask in {0, 1}.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import ImageColor

__all__ = [
    "HINT_KINDS",
    "Stroke",
    "empty",
    "from_layer",
    "from_strokes",
    "reduce",
    "resize",
    "simulate",
    "to_layer",
    "to_tensor",
]

THIN = 0.1  # painted share of a cell from which it is a hint
WHITE_OUTS = 30  # Grover & Banker, section 4.2
SAME_REGION = 40.0  # 8-bit levels per channel within which a simulated stroke stays
SUBPIXEL_BITS = 3  # of OpenCV's drawing coordinates
MOST_DIAMETER = 32_767  # px: OpenCV's; covers any page that is read
HINT_KINDS = ("strokes", "grid", "white-out")
# What a mixed hint map is drawn as, and up to which random number.
_KINDS, _KIND_SHARES = ("none", *HINT_KINDS), (0.25, 0.8, 0.9)
WHITE_OUT_SIDE = 10  # px; Grover & Banker, section 4.2


@dataclass(frozen=True)
class Stroke:
    """One brush stroke.

    Attributes:
        color: sRGB, ``#rrggbb``.
        width: diameter of the brush, in pixels of the sketch.
        points: x, y in pixels of the sketch; a single point is a dot.
    """

    color: str
    width: float
    points: Sequence[tuple[float, float]]

    @classmethod
    def from_dict(cls, stroke: dict) -> Stroke:
        """A stroke from its JSON form ``{"color", "width", "points"}``.

        Raises:
            ValueError: a part is missing or out of range.
        """
        try:
            color = str(stroke["color"])
            width = float(stroke["width"])
            points = [(float(x), float(y)) for x, y in stroke["points"]]
            ImageColor.getrgb(color)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                "A stroke needs a color like #ff8800, a width in pixels and points as [x, y] pairs."
            ) from error
        if not points or not width > 0 or not np.isfinite([width, *np.ravel(points)]).all():
            raise ValueError("A stroke needs at least one point and a width above zero.")
        return cls(color, width, points)

    def to_dict(self) -> dict:
        return {"color": self.color, "width": self.width, "points": [list(p) for p in self.points]}


def empty(height: int, width: int) -> np.ndarray:
    """A hint map without hints."""
    return np.zeros((height, width, 4), np.float32)


def from_strokes(strokes: Iterable[Stroke | dict], size: tuple[int, int]) -> np.ndarray:
    """Paint strokes on a transparent layer, later over earlier.

    Args:
        strokes: strokes or their JSON form, in pixels of the sketch.
        size: (width, height) of the sketch.

    Returns:
        H×W×4 uint8 RGBA, what a visitor's brush would have left; see :func:`from_layer`.

    Raises:
        ValueError: a stroke is malformed.
    """
    layer = np.zeros((size[1], size[0], 4), np.uint8)
    for stroke in strokes:
        stroke = stroke if isinstance(stroke, Stroke) else Stroke.from_dict(stroke)
        mask = stroke_mask(stroke.points, stroke.width, size)
        layer[mask > 0] = (*ImageColor.getrgb(stroke.color)[:3], 255)
    return layer


def from_layer(layer: np.ndarray, size: tuple[int, int] | None = None) -> np.ndarray:
    """A transparent drawing layer as a hint map.

    Colours are averaged over painted pixels only, and a cell counts as painted from
    ``THIN`` of its area on, so that a thin stroke on a large page survives undiluted.

    Args:
        layer: H×W×4 uint8 RGBA; at least half opaque counts as painted.
        size: (width, height) of the map; the layer's own if None.

    Returns:
        h×w×4 float32 hint map.
    """
    painted = (layer[..., 3] >= 128).astype(np.float32)
    rgb = layer[..., :3].astype(np.float32) / 127.5 - 1.0
    hint_map = np.concatenate([rgb * painted[..., None], painted[..., None]], axis=2)
    if size is None or size == layer.shape[1::-1]:
        return hint_map
    shrinks = size[0] < layer.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST
    hint_map = cv2.resize(hint_map, size, interpolation=method)
    share = hint_map[..., 3:]
    mask = (share > THIN).astype(np.float32)
    return np.concatenate([hint_map[..., :3] / np.maximum(share, 1e-6) * mask, mask], axis=2)


def to_layer(hint_map: torch.Tensor) -> np.ndarray:
    """4×H×W hint map → the H×W×4 uint8 RGBA layer that has it, see :func:`from_layer`."""
    planes = hint_map.permute(1, 2, 0).float().cpu().numpy()
    levels = np.clip(np.round((planes[..., :3] + 1.0) * 127.5), 0, 255)
    return np.concatenate([levels, 255.0 * (planes[..., 3:] > 0)], axis=2).astype(np.uint8)


def to_tensor(hint_map: np.ndarray) -> torch.Tensor:
    """H×W×4 map → 1×4×H×W tensor."""
    return torch.from_numpy(np.ascontiguousarray(hint_map.transpose(2, 0, 1)))[None]


def reduce(hints: torch.Tensor, factor: int) -> torch.Tensor:
    """Shrink a hint map without losing or diluting a thin stroke.

    Args:
        hints: B×4×H×W.
        factor: whole number that divides H and W.

    Returns:
        B×4×(H/factor)×(W/factor): the mean of the painted pixels of each cell; a cell
        counts as painted when any of its pixels is.
    """
    if factor == 1:
        return hints
    share = F.avg_pool2d(hints[:, 3:], factor)
    rgb = F.avg_pool2d(hints[:, :3], factor) / share.clamp(min=1e-6)
    mask = (share > 0).to(hints.dtype)
    return torch.cat([rgb * mask, mask], dim=1)


def resize(hints: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Bring a hint map to another size: painted pixels are averaged among themselves.

    Args:
        hints: B×4×H×W.
        size: (height, width). A cell counts as painted from ``THIN`` of its area on.
    """
    size = tuple(size)
    if size == tuple(hints.shape[2:]):
        return hints
    spread = F.interpolate(hints, size, mode="area")
    mask = (spread[:, 3:] > THIN).to(hints.dtype)
    return torch.cat([spread[:, :3] / spread[:, 3:].clamp(min=1e-6) * mask, mask], dim=1)


def simulate(
    colour: np.ndarray,
    rng: np.random.Generator,
    count: int | None = None,
    jitter: float = 4.0,
    kind: str = "mixed",
) -> np.ndarray:
    """Hints as an artist might have given them for this picture.

    Args:
        colour: H×W×3 uint8, the picture that the hints describe.
        rng: the only source of randomness.
        count: exactly this many dots of 0.8 % of the short side, colours unjittered (the
            protocol of our hint curve). ``None`` draws a kind at random: none, strokes and
            dots (0 to 50, mostly few), a sparse quarter-resolution grid (Ye et al.) or a
            blurred picture with white-outs (Grover & Banker).
        jitter: standard deviation of the colour error of drawn strokes, in 8-bit levels.
        kind: ``mixed`` for the random choice, or always one of :data:`HINT_KINDS`.

    Returns:
        H×W×4 float32 hint map.
    """
    height, width = colour.shape[:2]
    smooth = cv2.medianBlur(np.ascontiguousarray(colour), 5)
    if count is not None:
        diameter = max(1.0, 0.008 * min(height, width))
        return _simulate_strokes(smooth, rng, count, jitter=0.0, diameter=diameter)
    if kind == "mixed":
        kind = _KINDS[int(np.searchsorted(_KIND_SHARES, rng.random(), side="right"))]
    if kind == "none":
        return empty(height, width)
    if kind == "strokes":
        few = int(rng.integers(1, 5))
        many = int(min(50, rng.geometric(0.08)))
        return _simulate_strokes(smooth, rng, few if rng.random() < 0.5 else many, jitter)
    if kind == "grid":
        return _simulate_grid(colour, rng)
    return _simulate_white_out(smooth, rng)


def stroke_mask(
    points: Sequence[tuple[float, float]], diameter: float, size: tuple[int, int]
) -> np.ndarray:
    """H×W uint8 mask of a polyline with round ends, at 1/8 pixel precision."""
    mask = np.zeros((size[1], size[0]), np.uint8)
    one = 1 << SUBPIXEL_BITS
    path = np.clip(np.asarray(points, np.float64), -(1 << 16), 1 << 16)
    path = np.round(path * one).astype(np.int32)
    diameter = min(diameter, MOST_DIAMETER)
    radius = max(diameter, 1.0) / 2.0
    for x, y in path:
        centre, reach = (int(x), int(y)), int(max(0.0, radius - 0.5) * one)
        cv2.circle(mask, centre, reach, 255, cv2.FILLED, cv2.LINE_8, SUBPIXEL_BITS)
    if len(path) > 1:
        thickness = max(1, round(diameter))
        corners = path.reshape(-1, 1, 2)
        cv2.polylines(mask, [corners], False, 255, thickness, cv2.LINE_8, SUBPIXEL_BITS)
    return mask


def _simulate_strokes(
    smooth: np.ndarray,
    rng: np.random.Generator,
    count: int,
    jitter: float,
    diameter: float | None = None,
) -> np.ndarray:
    """Dots, or with ``diameter=None`` a mix of dots and strokes, each of one flat colour."""
    height, width = smooth.shape[:2]
    side = min(height, width)
    hint_map = empty(height, width)
    for _ in range(count):
        x, y = _flat_point(smooth, rng)
        color = smooth[y, x].astype(np.float32)
        points: list[tuple[float, float]] = [(x, y)]
        if diameter is None:
            brush = side * float(np.exp(rng.uniform(np.log(0.008), np.log(0.05))))
            if rng.random() < 0.5:
                points = _wander(x, y, side, rng)
        else:
            brush = diameter
        # Only the stroke's surroundings: whole-picture masks were most of a sample's cost.
        reach = int(brush / 2.0) + 2
        xs, ys = zip(*points, strict=True)
        left, right = _span(xs, reach, width)
        top, bottom = _span(ys, reach, height)
        near = (slice(top, bottom), slice(left, right))
        moved = [(x - left, y - top) for x, y in points]
        mask = stroke_mask(moved, brush, (right - left, bottom - top)) > 0
        # An artist stays inside the region: what lies elsewhere is not part of the stroke.
        mask &= cv2.inRange(smooth[near], color - SAME_REGION, color + SAME_REGION) > 0
        color = np.clip(color + rng.normal(0.0, jitter, 3), 0, 255) if jitter else color
        hint_map[near][mask] = (*(color / 127.5 - 1.0), 1.0)
    return hint_map


def _span(values: Sequence[float], reach: int, length: int) -> tuple[int, int]:
    """First and one-past-last index of the pixels within reach, inside the picture."""
    low, high = int(min(values)) - reach, int(max(values)) + reach + 1
    return min(max(low, 0), length - 1), max(min(high, length), 1)


def _flat_point(smooth: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """A random pixel away from edges: nobody puts a hint on a line (Cobra rejects variance)."""
    height, width = smooth.shape[:2]
    for _ in range(8):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        patch = smooth[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].reshape(-1, 3)
        if np.ptp(patch.astype(np.int16), axis=0).max() < 24:
            break
    return x, y


def _wander(x: int, y: int, side: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Waypoints of a short hand movement from a start (1 to 4 further points, PaintsTorch)."""
    points = [(float(x), float(y))]
    angle = rng.uniform(0.0, 2.0 * np.pi)
    for _ in range(int(rng.integers(1, 5))):
        angle += rng.normal(0.0, 0.7)
        step = side * rng.uniform(0.01, 0.08)
        points.append((points[-1][0] + step * np.cos(angle), points[-1][1] + step * np.sin(angle)))
    return points


def _simulate_grid(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ye et al.: the picture at quarter size, each pixel kept with a random probability."""
    height, width = colour.shape[:2]
    small_size = (max(1, width // 4), max(1, height // 4))
    small = cv2.resize(colour, small_size, interpolation=cv2.INTER_AREA)
    keep = rng.random(small.shape[:2]) < 10.0 ** rng.uniform(-3.0, -1.0)
    rgb = np.concatenate([small.astype(np.float32) / 127.5 - 1.0, keep[..., None]], axis=2)
    rgb[..., :3] *= keep[..., None]
    return cv2.resize(rgb.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)


def _simulate_white_out(smooth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grover & Banker: random 10×10 px squares whited out, then blurred, as one dense hint.

    Departure: their blur radius of 100 px belongs to larger pictures than their 64×64; ours is 6 to
    20 % of the side, and part of the map is left unpainted so that dense does not mean everywhere.
    """
    height, width = smooth.shape[:2]
    side = min(height, width)
    picture = smooth.copy()
    for _ in range(WHITE_OUTS):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        picture[y : y + WHITE_OUT_SIDE, x : x + WHITE_OUT_SIDE] = 255
    # At a quarter of the size: so wide a blur leaves nothing that a smaller picture cannot hold.
    quarter = (max(1, width // 4), max(1, height // 4))
    small = cv2.resize(picture, quarter, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), side * rng.uniform(0.06, 0.2) / 12.0)
    blurred = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    field = cv2.resize(
        rng.random((6, 6)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    mask = (field > rng.uniform(0.2, 0.7))[..., None]
    rgb = blurred.astype(np.float32) / 127.5 - 1.0
    return np.concatenate([rgb * mask, mask.astype(np.float32)], axis=2)
