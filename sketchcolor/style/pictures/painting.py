"""Style pictures painted by code: what a style transfer needs is texture, not a subject.

Each function gives one square picture from a seed; ``python -m sketchcolor.style.pictures`` writes
the bundled ones anew.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

SIDE = 512  # px
FINE = 2  # painted at this many times the size, then shrunk, for smooth edges

PAPER = np.array([246, 241, 230], np.float32)


def brush(seed: int = 0) -> Image.Image:
    """Thick strokes of oil along swirling currents, laid over each other from wide to narrow."""
    rng = np.random.default_rng(seed)
    side = SIDE * FINE
    angle = np.pi * (clouds(rng, side, 3) * 2.4 + clouds(rng, side, 6))
    tone = clouds(rng, side, 3)
    night = [[24, 38, 92], [38, 82, 150], [88, 148, 190]]
    colors = np.array([*night, [236, 206, 116], [226, 150, 52], [246, 236, 200]])
    canvas = np.empty((side, side, 3), np.uint8)
    canvas[:] = colors[1]
    for width, count in ((26, 1500), (16, 3200), (10, 4200)):
        for x, y in rng.uniform(0, side, (count, 2)):
            place = tone[int(y), int(x)] * (len(colors) - 1)
            base = colors[int(np.clip(place + rng.normal(0, 0.5), 0, len(colors) - 1))]
            path = _follow(angle, x, y, length=int(rng.integers(5, 10)), step=width * 0.6)
            _bristles(canvas, path, base, width, rng)
    return _finish(canvas)


def halftone(seed: int = 0) -> Image.Image:
    """Printed dots in cyan, magenta, yellow and black, each screen at its own angle."""
    rng = np.random.default_rng(seed)
    side = SIDE * FINE
    picture = np.broadcast_to(PAPER / 255.0, (side, side, 3)).copy()
    cyan, magenta, yellow = (0.05, 0.55, 0.80), (0.88, 0.12, 0.45), (0.98, 0.83, 0.10)
    inks = {15: cyan, 75: magenta, 0: yellow, 45: (0.1, 0.1, 0.12)}  # degrees, as printers do
    y, x = np.mgrid[:side, :side].astype(np.float32)
    cell = 11.0 * FINE
    for number, (degrees, ink) in enumerate(inks.items()):
        turn = np.deg2rad(degrees)
        u = (x * np.cos(turn) + y * np.sin(turn)) / cell
        v = (y * np.cos(turn) - x * np.sin(turn)) / cell
        to_centre = np.hypot(u - np.round(u), v - np.round(v))
        # Flat areas with clear borders, as comics have them, not one even shade.
        shade = clouds(rng, side, 4)
        levels = np.array([0.0, 0.25, 0.45, 0.62]) if number < 3 else np.array([0, 0, 0, 0.42])
        radius = levels[np.digitize(shade, [0.3, 0.5, 0.68])]
        cover = np.clip((radius - to_centre) * cell / 2.0 + 0.5, 0, 1)[..., None]
        cover *= (radius > 0)[..., None]
        picture *= 1.0 - cover * (1.0 - np.array(ink))
    contour = _contours(clouds(rng, side, 4), [0.3, 0.5, 0.68], width=3 * FINE)
    picture *= 1.0 - 0.92 * contour[..., None]
    return _finish((picture * 255.0).astype(np.uint8))


def watercolour(seed: int = 0) -> Image.Image:
    """Transparent washes with dark rims, blooms and the grain of the paper."""
    rng = np.random.default_rng(seed)
    side = SIDE * FINE
    picture = np.broadcast_to(PAPER / 255.0, (side, side, 3)).copy()
    grain = clouds(rng, side, 160) * 0.5 + clouds(rng, side, 300) * 0.5
    inks = [
        *((0.22, 0.52, 0.78), (0.90, 0.36, 0.38), (0.98, 0.78, 0.25), (0.30, 0.62, 0.42)),
        *((0.55, 0.36, 0.68), (0.16, 0.36, 0.60), (0.96, 0.56, 0.42)),
    ]
    for number in range(9):
        shape = clouds(rng, side, 2.5) + 0.16 * clouds(rng, side, 9) + 0.07 * clouds(rng, side, 40)
        level = np.quantile(shape, rng.uniform(0.62, 0.9))
        inside = 1.0 / (1.0 + np.exp(-(shape - level) * 110.0))
        depth = np.clip((shape - level) * 5.0, 0.0, 1.0)
        # Pigment is carried to the rim of a wash while it dries, and pushed about by blooms.
        rim = np.exp(-(((shape - level) / 0.014) ** 2)) * inside
        flow = 0.16 + 0.62 * clouds(rng, side, 5) ** 2 * (1.0 - 0.4 * depth)
        amount = inside * (flow * (1.0 + 0.35 * (grain - 0.5)) + 0.42 * rim)
        ink = np.array(inks[number % len(inks)])
        picture *= 1.0 - np.clip(amount, 0, 0.85)[..., None] * (1.0 - ink)
    picture *= (0.985 + 0.04 * (grain - 0.5))[..., None]
    return _finish((np.clip(picture, 0, 1) * 255.0).astype(np.uint8))


def ink_wash(seed: int = 0) -> Image.Image:
    """Grey washes that run into wet paper, and dry strokes of black ink over them."""
    rng = np.random.default_rng(seed)
    side = SIDE * FINE
    tone = np.ones((side, side), np.float32)
    grain = clouds(rng, side, 220)
    for _ in range(5):
        shape = clouds(rng, side, 2.2) + 0.25 * clouds(rng, side, 7)
        level = np.quantile(shape, rng.uniform(0.7, 0.93))
        soft = 1.0 / (1.0 + np.exp(-(shape - level) * rng.uniform(14.0, 70.0)))
        tone *= 1.0 - soft * rng.uniform(0.15, 0.5) * (0.9 + 0.2 * grain)
    angle = np.pi * 2.0 * clouds(rng, side, 2.5)
    for _ in range(70):
        x, y = rng.uniform(0, side, 2)
        width = float(np.exp(rng.uniform(np.log(8), np.log(70))))
        path = _follow(angle, x, y, length=int(rng.integers(6, 22)), step=width * 0.5 + 8)
        _dry_stroke(tone, path, width, rng)
    picture = tone[..., None] * PAPER + (1.0 - tone[..., None]) * np.array([24, 26, 32])
    return _finish(np.clip(picture, 0, 255).astype(np.uint8))


def clouds(rng: np.random.Generator, side: int, cells: float) -> np.ndarray:
    """Smooth noise of ``cells`` bumps along a side: side×side float32, ranks spread over [0, 1]."""
    grid = max(2, round(cells)) + 3
    coarse = rng.random((grid, grid)).astype(np.float32)
    scale = side / max(cells, 1.0)
    large = cv2.resize(coarse, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    offset = (large.shape[0] - side) // 2
    found = large[offset : offset + side, offset : offset + side]
    low, high = np.percentile(found[::7, ::7], [1, 99])
    return np.clip((found - low) / (high - low), 0.0, 1.0)


def _follow(angle: np.ndarray, x: float, y: float, length: int, step: float) -> np.ndarray:
    """N×2 points along a field of directions."""
    side = angle.shape[0]
    points = [(x, y)]
    for _ in range(length):
        here = angle[int(np.clip(y, 0, side - 1)), int(np.clip(x, 0, side - 1))]
        x, y = x + step * np.cos(here), y + step * np.sin(here)
        points.append((x, y))
    return np.array(points)


def _bristles(
    canvas: np.ndarray, path: np.ndarray, color: np.ndarray, width: float, rng: np.random.Generator
) -> None:
    """One stroke: hairs side by side, each a little lighter or darker than the paint."""
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1) / np.linalg.norm(along, axis=1)[:, None]
    taper = np.sin(np.linspace(0.35, np.pi - 0.35, len(path)))[:, None]
    shade = rng.normal(0, 12, 3)
    for offset in np.linspace(-0.5, 0.5, max(4, int(width / 2.5))):
        light = 26.0 * np.cos(offset * 3.0) - 12.0 + rng.normal(0, 16)
        hair = np.clip(color + shade + light, 0, 255)
        points = np.round(path + across * taper * offset * width).astype(np.int32)
        cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, hair.tolist(), 3, cv2.LINE_AA)


def _dry_stroke(tone: np.ndarray, path: np.ndarray, width: float, rng: np.random.Generator) -> None:
    """One stroke of ink that runs dry: its hairs end one after the other."""
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1) / np.linalg.norm(along, axis=1)[:, None]
    pressure = np.sin(np.linspace(0.5, np.pi - 0.1, len(path)))[:, None]
    dark = rng.uniform(0.0, 0.22)
    for offset in np.linspace(-0.5, 0.5, max(6, int(width / 1.6))):
        wet = int(np.clip(rng.normal(0.75, 0.3), 0.15, 1.0) * len(path))
        points = np.round((path + across * pressure * offset * width)[: max(2, wet)])
        ink = float(np.clip(dark + rng.normal(0, 0.08), 0, 1))
        layer = points.astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(tone, [layer], False, ink, int(rng.integers(1, 4)), cv2.LINE_AA)


def _contours(field: np.ndarray, levels: list[float], width: int) -> np.ndarray:
    """1 on the lines where a field crosses one of the levels, ``width`` px wide."""
    bands = np.digitize(field, levels).astype(np.uint8)
    edge = cv2.morphologyEx(bands, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return cv2.GaussianBlur(cv2.dilate(edge.astype(np.float32), disc), (0, 0), 1.0)


def _finish(canvas: np.ndarray) -> Image.Image:
    return Image.fromarray(cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
