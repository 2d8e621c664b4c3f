"""A drawing pen: smooth splines, tapered strokes and opaque shapes on a sheet of white paper.

A drawing is written as paths, strings of ``x,y`` points the pen runs through smoothly; a point
ending in ``!`` is a corner. Shapes are painted back to front and hide what lies behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

OVERSAMPLING = 4
SUBPIXEL_BITS = 4  # fixed-point coordinates handed to OpenCV
SAMPLES_PER_SPAN = 20  # spline samples between two points of a path
STROKE_STEP = 2.0  # px between two samples of a stroke

Path = str | np.ndarray | Sequence[Sequence[float]]


@dataclass(frozen=True)
class Pen:
    """How lines look on a sheet.

    Attributes:
        width: full stroke width in px; strokes scale it.
        ink: grey value of a line, 0 = black.
        swell: how much heavier lines get on the side away from the light, 0 = even.
        rough: px the hand trembles; above 0 every line is drawn twice, as with a pencil.
        grain: strength of the paper's tooth in the line, 0..1.
    """

    width: float = 3.6
    ink: int = 16
    swell: float = 0.22
    rough: float = 0.0
    grain: float = 0.0


def points(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a path into points (N×2) and the flags (N) of those that are corners."""
    if not isinstance(path, str):
        return np.asarray(path, float), np.zeros(len(path), bool)
    words = path.split()
    corners = np.array([word.endswith("!") for word in words])
    return np.array([word.rstrip("!").split(",") for word in words], float), corners


def spline(knots: np.ndarray, closed: bool = False) -> np.ndarray:
    """Centripetal Catmull-Rom curve (M×2) through the knots (N×2), without loops or overshoot."""
    if len(knots) < 3 and not closed:
        return np.linspace(knots[0], knots[-1], SAMPLES_PER_SPAN + 1)
    if closed:
        padded = np.vstack([knots[-1], knots, knots[:2]])
    else:
        padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    u = np.linspace(0, 1, SAMPLES_PER_SPAN, endpoint=False)[:, None]
    spans = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        d1, d2, d3 = (
            max(np.hypot(*(b - a)), 1e-6) ** 0.5 for a, b in ((p0, p1), (p1, p2), (p2, p3))
        )
        m1 = (p2 - p1) + d2 * ((p1 - p0) / d1 - (p2 - p0) / (d1 + d2))
        m2 = (p2 - p1) + d2 * ((p3 - p2) / d3 - (p3 - p1) / (d2 + d3))
        spans.append(
            p1 + m1 * u + (3 * (p2 - p1) - 2 * m1 - m2) * u**2 + (2 * (p1 - p2) + m1 + m2) * u**3
        )
    return np.vstack([*spans, padded[-2]])


def runs(path: Path, closed: bool = False) -> list[np.ndarray]:
    """Cut a path at its corners and return the smooth curve (M×2) of each piece."""
    knots, corners = points(path)
    if not closed:
        inner = (int(i) for i in np.flatnonzero(corners) if 0 < i < len(knots) - 1)
        cuts = [0, *inner, len(knots) - 1]
        return [spline(knots[a : b + 1]) for a, b in zip(cuts, cuts[1:], strict=False)]
    if not corners.any():
        return [spline(knots, closed=True)]
    first = int(np.flatnonzero(corners)[0])
    knots, corners = np.roll(knots, -first, axis=0), np.roll(corners, -first)
    knots = np.vstack([knots, knots[0]])
    cuts = [*map(int, np.flatnonzero(corners)), len(knots) - 1]
    return [spline(knots[a : b + 1]) for a, b in zip(cuts, cuts[1:], strict=False)]


def resample(curve: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Place points (K×2) every `step` px along a curve; also return their arc lengths (K)."""
    lengths = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    at = np.linspace(0, lengths[-1], max(int(lengths[-1] / step), 2) + 1)
    return np.stack([np.interp(at, lengths, axis) for axis in curve.T], axis=1), at


def ellipse(
    cx: float, cy: float, rx: float, ry: float, start: float = 0, end: float = 360
) -> np.ndarray:
    """Points (N×2) on an ellipse, angles in degrees, 0 = right and 90 = down."""
    count = max(int(abs(end - start) / 15), 3)
    angles = np.radians(np.linspace(start, end, count + 1))
    if abs(end - start) == 360:
        angles = angles[:-1]
    return np.stack([cx + rx * np.cos(angles), cy + ry * np.sin(angles)], axis=1)


class Sheet:
    """White paper being drawn on; all coordinates go through the current placement."""

    def __init__(self, width: int, height: int, pen: Pen | None = None, seed: int = 0) -> None:
        """Start a blank sheet of `width`×`height` px; `seed` fixes the tremble of a rough pen."""
        self.pen = pen or Pen()
        self._size = (width, height)
        self._paper = np.full((height * OVERSAMPLING, width * OVERSAMPLING), 255, np.uint8)
        self._placement = np.eye(3)
        self._rng = np.random.default_rng(seed)

    @contextmanager
    def placed(
        self,
        x: float = 0,
        y: float = 0,
        scale: float = 1,
        tilt: float = 0,
        stretch: tuple[float, float] = (1, 1),
    ) -> Iterator[None]:
        """Draw around a new origin: stretched, turned clockwise by `tilt` degrees, then moved.

        A negative horizontal stretch mirrors.
        """
        outer = self._placement
        cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
        sx, sy = scale * stretch[0], scale * stretch[1]
        self._placement = outer @ np.array(
            [[cos * sx, -sin * sy, x], [sin * sx, cos * sy, y], [0, 0, 1]]
        )
        yield
        self._placement = outer

    @contextmanager
    def inside(self, path: Path) -> Iterator[None]:
        """Keep what is drawn in this block within a closed path."""
        before = self._paper.copy()
        mask = np.zeros_like(before)
        cv2.fillPoly(mask, [self._outline(path)], 255, shift=SUBPIXEL_BITS)
        yield
        self._paper[mask == 0] = before[mask == 0]

    def line(
        self,
        path: Path,
        width: float = 1,
        taper: tuple[float, float] = (0.1, 0.1),
        ramp: float = 0.45,
    ) -> None:
        """Stroke an open path.

        `taper` is the share of the width left at either end; it is reached over the share `ramp`
        of the stroke's length.
        """
        for curve in runs(path):
            self._stroke(self._place(curve), width, taper, ramp)

    def shape(self, path: Path, width: float = 1) -> None:
        """Paint a closed path white and outline it."""
        self.blank(path)
        for curve in runs(path, closed=True):
            self._stroke(self._place(curve), width, (0.6, 0.6), 0.3)

    def flap(
        self,
        path: Path,
        width: float = 1,
        taper: tuple[float, float] = (0.15, 0.15),
        ramp: float = 0.3,
    ) -> None:
        """Paint the area under an open path white and stroke the path: it grows out of something.

        Corners inside the path stay heavy, only its two ends taper.
        """
        self.blank(path)
        curves = runs(path)
        for i, curve in enumerate(curves):
            ends = (taper[0] if i == 0 else 0.6, taper[1] if i == len(curves) - 1 else 0.6)
            self._stroke(self._place(curve), width, ends, ramp)

    def blank(self, path: Path) -> None:
        """Paint a closed path white, without an outline."""
        cv2.fillPoly(self._paper, [self._outline(path)], 255, shift=SUBPIXEL_BITS)

    def solid(self, path: Path) -> None:
        """Fill a closed path with ink: lashes, pupils, buttons."""
        cv2.fillPoly(self._paper, [self._outline(path)], self.pen.ink, shift=SUBPIXEL_BITS)

    def lock(
        self, spine: Path, breadth: float, width: float = 1, root: float = 0.55, inner: int = 0
    ) -> None:
        """Draw a lock of hair along a spine: `breadth` wide (sheet units), pointed at its end.

        `root` is the share of the breadth at the start, where the lock is left open; `inner`
        adds lines that follow the fall of the hair.
        """
        curve = np.vstack(runs(spine))
        curve, at = resample(curve, max(breadth / 12, 0.5))
        t = at / at[-1]
        profile = np.where(
            t < 0.4,
            root + (1 - root) * np.sin(t / 0.4 * np.pi / 2),
            np.cos((t - 0.4) / 0.6 * np.pi / 2) ** 0.85,
        )
        side = _normals(curve) * (profile * breadth / 2)[:, None]
        self.blank(np.vstack([curve + side, (curve - side)[::-1]]))
        for edge in (curve + side, curve - side):
            self._stroke(self._place(edge), width, (0.2, 0.1), 0.35)
        for i in range(inner):
            share = (i + 1) / (inner + 1) * 2 - 1
            a, b = int(len(t) * (0.08 + 0.12 * (i % 2))), int(len(t) * (0.72 - 0.17 * (i % 2)))
            self._stroke(self._place((curve + side * share)[a:b]), width * 0.6, (0.1, 0.05), 0.5)

    def strands(self, first: Path, last: Path, count: int, width: float = 0.5) -> None:
        """Draw `count` thin broken lines that blend from one open path into another.

        They follow the fall of hair between two locks, the weave of straw or the pleats of cloth.
        """
        guides = []
        for path in (first, last):
            curve, at = resample(np.vstack(runs(path)), 1.0)
            t = np.linspace(0, at[-1], 80)
            guides.append(np.stack([np.interp(t, at, axis) for axis in curve.T], axis=1))
        for i in range(count):
            # Multiples of the golden ratio spread evenly without looking regular.
            share, start, length = (
                (i + 0.5) / count,
                (i * 0.618) % 1 * 0.4,
                0.3 + (i * 0.382 + 0.3) % 1 * 0.3,
            )
            curve = guides[0] * (1 - share) + guides[1] * share
            self._stroke(
                self._place(curve[int(80 * start) : int(80 * (start + length))]),
                width,
                (0.05, 0.05),
                0.5,
            )

    def finish(self) -> Image.Image:
        """Return the drawing as an 8-bit grey image at the sheet's size."""
        image = cv2.resize(self._paper, self._size, interpolation=cv2.INTER_AREA)
        if self.pen.grain:
            tooth = cv2.GaussianBlur(self._rng.random(image.shape, np.float32), (0, 0), 0.8)
            tooth = (tooth - tooth.min()) / (tooth.max() - tooth.min())
            ink = (255 - image.astype(np.float32)) * (1 - self.pen.grain * tooth)
            image = np.round(255 - ink).astype(np.uint8)
        return Image.fromarray(image)

    def _place(self, curve: np.ndarray) -> np.ndarray:
        return curve @ self._placement[:2, :2].T + self._placement[:2, 2]

    def _outline(self, path: Path) -> np.ndarray:
        return _fixed_point(self._place(np.vstack(runs(path, closed=True))))

    def _stroke(
        self, curve: np.ndarray, width: float, taper: tuple[float, float], ramp: float
    ) -> None:
        """Ink one smooth curve given in px."""
        curve, at = resample(curve, STROKE_STEP)
        breadth = self.pen.width * width * _pressure(at, taper, ramp)
        normals = _normals(curve)
        # Light falls from the upper left, so lines that close a form at its lower right gain.
        breadth *= 1 + self.pen.swell * np.abs(normals @ np.array([0.45, 0.9])) - self.pen.swell / 2
        if not self.pen.rough:
            self._ink(curve, normals, breadth)
            return
        for share in (0.85, 0.55):
            drift = self._tremble(at) * self.pen.rough
            self._ink(curve + normals * drift[:, None], normals, breadth * share)

    def _tremble(self, at: np.ndarray) -> np.ndarray:
        """Slow random sway (K) along arc lengths (K), about ±1."""
        grid = np.arange(0, at[-1] + 60, 30.0)
        return np.interp(at, grid, self._rng.normal(0, 0.6, len(grid)))

    def _ink(self, curve: np.ndarray, normals: np.ndarray, breadth: np.ndarray) -> None:
        side = normals * breadth[:, None] / 2
        low = np.floor((curve - breadth[:, None]).min(axis=0)).astype(int) - 1
        high = np.ceil((curve + breadth[:, None]).max(axis=0)).astype(int) + 2
        low, high = np.maximum(low, 0), np.minimum(high, self._size)
        if (low >= high).any():
            return
        window = self._paper[
            low[1] * OVERSAMPLING : high[1] * OVERSAMPLING,
            low[0] * OVERSAMPLING : high[0] * OVERSAMPLING,
        ]
        mask = np.zeros_like(window)
        left, right = _fixed_point(curve + side - low), _fixed_point(curve - side - low)
        centre = _fixed_point(curve - low)
        radius = np.round(breadth / 2 * OVERSAMPLING * 2**SUBPIXEL_BITS).astype(int)
        for i in range(len(curve)):
            if i:
                quad = np.array([left[i - 1], left[i], right[i], right[i - 1]])
                cv2.fillConvexPoly(mask, quad, 255, shift=SUBPIXEL_BITS)
            cv2.circle(mask, centre[i].tolist(), int(radius[i]), 255, -1, shift=SUBPIXEL_BITS)
        # Strokes darken one another, which only shows with a grey pen.
        shade = 255 - (mask // 255) * np.uint8(255 - self.pen.ink)
        window[:] = (window.astype(np.uint16) * shade // 255).astype(np.uint8)


def _normals(curve: np.ndarray) -> np.ndarray:
    """Unit normals (K×2) of a curve (K×2)."""
    tangents = np.gradient(curve, axis=0)
    tangents /= np.maximum(np.hypot(*tangents.T), 1e-9)[:, None]
    return np.stack([-tangents[:, 1], tangents[:, 0]], axis=1)


def _pressure(at: np.ndarray, taper: tuple[float, float], ramp: float) -> np.ndarray:
    """Share of the full width (K) at arc lengths (K): thin, thick, thin."""
    t = at / at[-1]
    rise, fall = (np.sin(np.clip(x / ramp, 0, 1) * np.pi / 2) for x in (t, 1 - t))
    return (taper[0] + (1 - taper[0]) * rise) * (taper[1] + (1 - taper[1]) * fall)


def _fixed_point(curve: np.ndarray) -> np.ndarray:
    scale = OVERSAMPLING * 2**SUBPIXEL_BITS
    # OpenCV addresses pixel centres, a sheet addresses their corners.
    return np.round(curve * scale - 2 ** (SUBPIXEL_BITS - 1)).astype(np.int32)
