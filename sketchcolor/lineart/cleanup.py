"""Clean-up of a photographed or scanned sketch: even white paper, the lines kept.

A pixel of a photograph is the brightness of the lit paper there, times what the ink lets through.
So the brightness of the paper is estimated and divided out; then the paper's grain is smoothed and
clipped to white. Clean digital line art is returned unchanged.
"""

from functools import lru_cache

import cv2
import numpy as np
from PIL import Image

PAPER_SIDE = 384  # px: long side at which the paper is estimated; small, because light is smooth
LINE_SPAN = 1 / 20  # of the long side: dark marks narrower than this are ink, not shaded paper
SHADE_DEPTH = 0.75  # of the page's usual brightness: what is darker is a filled area, not a shadow
# A sketch is clean if the share EVEN of its bright pixels has the same level, at least WHITE. It is
# also clean if the share BLANK of the page is pure white, whatever the rest is filled with.
WHITE, EVEN, BLANK = 248, 0.75, 0.4
GRAIN_CLIP = 2.5  # paper becomes white down to this many standard deviations of its grain
LEVEL_STEP, MAX_CLIP = 0.005, 0.12  # but at least and at most this far below its own level
CACHED = 4  # cleaned sketches that are kept
NO_PAPER = 40  # grey level: a page whose bright parts are darker shows no paper at all


def is_clean(grey: Image.Image) -> bool:
    """Whether a sketch (PIL image of mode L) is already on even white paper, as digital art is."""
    pixels = np.asarray(grey)
    counts = np.bincount(pixels.ravel(), minlength=256)
    bright = counts[round(0.8 * 255) :].sum()
    paper = WHITE + int(counts[WHITE:].argmax())
    even = counts[paper - 3 : paper + 4].sum() >= EVEN * bright > 0
    return bool(even or counts[255] >= BLANK * pixels.size)


def clean_sketch(grey: Image.Image) -> Image.Image:
    """Turns a photographed or scanned sketch into line art on white paper.

    Args:
        grey: PIL image of mode L, 0 = ink.

    Returns:
        PIL image of mode L and the same size: paper at 255, lines with their own greys. The input
        itself if it `is_clean` or shows no paper at all.
    """
    if is_clean(grey) or np.percentile(_sample(np.asarray(grey)), 95) < NO_PAPER:
        return grey
    return Image.fromarray(_cleaned(grey.tobytes(), grey.size))


@lru_cache(maxsize=CACHED)
def _cleaned(content: bytes, size: tuple[int, int]) -> np.ndarray:
    """H×W uint8 from the grey values of a sketch of ``size`` (width, height).

    The last few results are kept, because a visitor colours the same sketch again and again.
    """
    pixels = np.frombuffer(content, np.uint8).reshape(size[::-1])
    lightness = cv2.divide(pixels, _paper(pixels), scale=1.0, dtype=cv2.CV_32F)
    level, grain = _paper_level(lightness)
    if grain > 0.5 / 255:
        # A bilateral filter averages paper with paper and leaves what differs by more than grain.
        lightness = cv2.bilateralFilter(lightness, 5, sigmaColor=3 * grain, sigmaSpace=1.5)
        level, grain = _paper_level(lightness)
    white = level - np.clip(GRAIN_CLIP * grain, LEVEL_STEP, MAX_CLIP)
    black = 0.5 * float(np.percentile(_sample(lightness), 0.5))
    lightness = (lightness - black) * (255 / max(white - black, 0.1))
    return np.clip(np.rint(lightness), 0, 255).astype(np.uint8)


def _paper(pixels: np.ndarray) -> np.ndarray:
    """The grey of the bare paper at each pixel: float32 H×W, at least 1."""
    height, width = pixels.shape
    shrink = min(1.0, PAPER_SIDE / max(height, width))
    size = (max(4, round(width * shrink)), max(4, round(height * shrink)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    span = 2 * round(LINE_SPAN * max(size) / 2) + 1
    local = cv2.morphologyEx(cv2.medianBlur(small, 3), cv2.MORPH_CLOSE, np.ones((span, span)))
    local = np.maximum(local, SHADE_DEPTH * _trend(local))
    local = cv2.GaussianBlur(local, (0, 0), span / 3, borderType=cv2.BORDER_REPLICATE)
    paper = cv2.resize(local, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.maximum(paper, 1)


def _trend(local: np.ndarray) -> np.ndarray:
    """A cubic surface fitted to the paper; each fit leaves out what lay far below the last one."""
    height, width = local.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=-1).reshape(-1, 10)
    values = local.ravel().astype(np.float64)
    kept = values >= np.percentile(values, 25)
    for _ in range(5):
        surface = terms @ np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
        error = values - surface
        kept = error > -2 * np.median(np.abs(error[kept])) - 1
    return surface.reshape(local.shape).clip(1, values.max()).astype(np.float32)


def _paper_level(lightness: np.ndarray) -> tuple[float, float]:
    """The most frequent lightness, and its standard deviation towards the light, free of ink."""
    lightness = _sample(lightness)
    counts, edges = np.histogram(lightness, bins=np.arange(0.6, 1.2, LEVEL_STEP))
    peak = np.convolve(counts, np.ones(5), mode="same").argmax()
    level = float(edges[peak] + edges[peak + 1]) / 2
    above = lightness[lightness > level] - level
    return level, float(np.sqrt(np.mean(above**2))) if above.size else 0.0


def _sample(pixels: np.ndarray) -> np.ndarray:
    """Every n-th pixel of every n-th row, about a million in all: enough for statistics."""
    stride = max(1, round((pixels.size / 1e6) ** 0.5))
    return pixels[::stride, ::stride]
