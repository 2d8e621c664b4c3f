"""Palettes: a picture's main colours with their shares."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from ..colour_space import lab_to_rgb, rgb_to_lab

__all__ = ["DEFAULT_SIZE", "Palette", "chroma", "from_image", "is_skin", "simulate"]

DEFAULT_SIZE = 9  # "Anime Sketch Colorizer with reference image", section 1.4
THUMBNAIL = 32  # pixels a side that k-means sees: more changes no colour by a visible amount
PAPER = 250  # a channel minimum from here on is taken for paper
# Painted skin in CIELAB: hue in degrees, chroma and lightness, each from and to.
SKIN_HUE, SKIN_CHROMA, SKIN_LIGHTNESS = (30.0, 75.0), (10.0, 45.0), (68.0, 94.0)
LEAST_CHOSEN = 3  # colours of a simulated palette, where the picture has as many


@dataclass(frozen=True)
class Palette:
    """K colours and how much of a picture each is to take.

    Attributes:
        colors: K×3 uint8, sRGB, in the order that someone gave them or heaviest first.
        weights: K float32, sum 1.
    """

    colors: np.ndarray
    weights: np.ndarray

    def to_hex(self) -> list[str]:
        """The colours as ``#rrggbb``."""
        return ["#" + bytes(int(c) for c in color).hex() for color in self.colors]

    def to_tensors(self, size: int = DEFAULT_SIZE) -> tuple[torch.Tensor, torch.Tensor]:
        """The form that models take: 1×size×3 in [-1, 1] and 1×size weights, sum 1.

        Heaviest first, as models have learned it. A shorter palette is filled up with copies of
        its heaviest colour at weight 0; of a longer one the heaviest colours are kept.
        """
        order = np.argsort(-self.weights, kind="stable")[:size]
        colors, weights = self.colors[order], self.weights[order]
        missing = size - len(colors)
        colors = np.concatenate([colors, np.repeat(colors[:1], missing, axis=0)])
        weights = np.concatenate([weights / weights.sum(), np.zeros(missing, np.float32)])
        scaled = torch.from_numpy(colors.astype(np.float32) / 127.5 - 1.0)
        return scaled[None], torch.from_numpy(weights.astype(np.float32))[None]


def from_image(image: Image.Image | np.ndarray, size: int = DEFAULT_SIZE, seed: int = 0) -> Palette:
    """The main colours of a picture by k-means in CIELAB.

    Transparent pixels and pure white paper are ignored while anything else is there.

    Args:
        image: a PIL picture of any mode, or H×W×3 uint8 RGB.
        size: number of colours; fewer come back when the picture has fewer.
        seed: of the k-means start.

    Returns:
        The palette, heaviest colour first.
    """
    pixels = _thumbnail_pixels(image)
    paper = pixels.min(axis=1) >= PAPER
    # A white figure on white still has a palette: what little is not paper must be a picture.
    if paper.mean() < 0.99:
        pixels = pixels[~paper]
    lab = rgb_to_lab(pixels.astype(np.float32) / 255.0)
    clusters = min(size, len(np.unique(pixels, axis=0)))
    means = KMeans(clusters, n_init=1, max_iter=10, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = means.fit_predict(lab)
    counts = np.bincount(labels, minlength=clusters).astype(np.float32)
    rgb = lab_to_rgb(means.cluster_centers_)
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    colors = np.round(rgb * 255.0).astype(np.uint8)[order]
    return Palette(colors, counts[order] / counts.sum())


def chroma(lab: np.ndarray) -> np.ndarray:
    """How far from grey colours are, …×3 CIELAB → … ."""
    return np.hypot(lab[..., 1], lab[..., 2])


def is_skin(lab: np.ndarray) -> np.ndarray:
    """Whether colours could be the skin that most pictures are painted with.

    Args:
        lab: …×3 CIELAB, lightness in [0, 100].

    Returns:
        … bool.
    """
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    properties = ((hue, SKIN_HUE), (chroma(lab), SKIN_CHROMA), (lab[..., 0], SKIN_LIGHTNESS))
    return np.all([(low <= value) & (value <= high) for value, (low, high) in properties], axis=0)


def simulate(
    colors: np.ndarray, shares: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """What somebody might choose for a picture with these colours: some, in rough shares.

    People name the colours of a figure and forget paper, shades and small things, whereas k-means
    counts all of them.

    Args:
        colors: K×3 float32 in [-1, 1] and shares: K float32, as of :meth:`Palette.to_tensors`.
        rng: of the choice.

    Returns:
        The same form.
    """
    used = int((shares > 0).sum())
    count = int(rng.integers(min(LEAST_CHOSEN, used), used + 1))
    chosen = rng.choice(used, count, replace=False)
    weights = shares[chosen] ** rng.uniform(0.0, 1.0)
    order = np.argsort(-weights, kind="stable")
    result, given = np.repeat(colors[chosen[order[:1]]], len(colors), axis=0), np.zeros_like(shares)
    result[:count], given[:count] = colors[chosen[order]], weights[order] / weights.sum()
    return result, given


def _thumbnail_pixels(image: Image.Image | np.ndarray) -> np.ndarray:
    """N×3 uint8 opaque pixels of a small version."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image = image.convert("RGBA")
    image = image.resize(
        (min(THUMBNAIL, image.width), min(THUMBNAIL, image.height)), Image.Resampling.BOX
    )
    rgba = np.asarray(image).reshape(-1, 4)
    opaque = rgba[rgba[:, 3] >= 128]
    return opaque[:, :3] if len(opaque) else np.full((1, 3), 255, np.uint8)
