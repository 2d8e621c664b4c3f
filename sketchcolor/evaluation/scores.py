"""Metrics of one protocol of an evaluation, accumulated batch by batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..conditions import Palette, from_image
from ..images import to_pil
from ..models.vgg19 import VGG19Features
from . import metrics, similarity
from .fid_lpips import PublishedMetrics
from .hint_leak import ProbeStroke, stroke_changes

__all__ = ["Scores"]

# Metrics that compare a colouring with the true picture.
COMPARISONS = {
    "psnr": metrics.psnr,
    "ssim": metrics.ssim,
    "mse": metrics.mse,
    "pixel_difference": lambda output, truth: similarity.pixel_difference(output, truth).mean(),
    "pixel_similarity": similarity.pixel_similarity,
    "grey_psnr": metrics.grey_psnr,
    "grey_ssim": metrics.grey_ssim,
    "colour_emd": similarity.colour_emd,
    "sift_similarity": similarity.sift_similarity,
}
# Metrics that are also reported per image, for plots.
PLOTTED = ("pixel_similarity", "ssim", "colour_emd", "sift_similarity", "pixel_difference")


class Scores:
    """Metrics of one protocol, accumulated batch by batch; pictures are not stored."""

    def __init__(self) -> None:
        self._values: dict[str, list[Any]] = defaultdict(list)
        self._hint_differences: list[np.ndarray] = []
        self._features: list[Tensor] = []
        self._inception: list[Tensor] = []

    def add_pictures(
        self,
        pictures: Sequence[np.ndarray],
        truths: Sequence[np.ndarray] | None = None,
        suffix: str = "",
    ) -> None:
        """Adds the colourfulness of each picture and, given truths, those in `COMPARISONS`."""
        for picture in pictures:
            self._values[f"colourfulness{suffix}"].append(metrics.colourfulness(picture))
        for picture, truth in zip(pictures, truths or (), strict=bool(truths)):
            for name, compare in COMPARISONS.items():
                value = compare(picture, truth)
                if not np.isnan(
                    value
                ).any():  # a flat truth has no keypoints, nor a range of grey levels
                    self._values[name + suffix].append(value)

    def add_best(
        self, samples: Sequence[Sequence[np.ndarray]], truths: Sequence[np.ndarray]
    ) -> None:
        """Adds the best PSNR and, separately, the best SSIM among each image's samples."""
        for truth, *candidates in zip(truths, *samples, strict=True):
            for name, measure in (("psnr", metrics.psnr), ("ssim", metrics.ssim)):
                best = max(measure(candidate, truth) for candidate in candidates)
                self._values[f"{name}_best"].append(best)

    def add_hints(self, output: Tensor, hint_map: Tensor) -> None:
        """Adds differences between B×3×H×W and the painted pixels of B×4×H×W hint maps."""
        maps = hint_map.permute(0, 2, 3, 1).numpy()
        for image, painted in zip(to_pil(output), maps, strict=True):
            self._hint_differences.append(metrics.hint_delta_e(np.asarray(image), painted))

    def add_strokes(
        self,
        plain: Sequence[np.ndarray],
        hinted: Sequence[np.ndarray],
        strokes: Sequence[ProbeStroke | None],
    ) -> None:
        """Adds how much each stroke changed in its region and outside of its part."""
        for without, with_stroke, stroke in zip(plain, hinted, strokes, strict=True):
            if stroke is not None:
                inside, outside = stroke_changes(without, with_stroke, stroke)
                self._values["stroke_change"].append(inside)
                self._values["leak"].append(outside)

    def add_palettes(
        self, pictures: Sequence[np.ndarray], given: Sequence[Palette], other: Sequence[Palette]
    ) -> None:
        """Adds the distances of each picture's palette to the given one and to another one."""
        for picture, *palettes in zip(pictures, given, other, strict=True):
            own = from_image(picture).colors
            to_given, to_other = (metrics.palette_distance(own, p.colors) for p in palettes)
            self._values["palette_distance"].append(to_given)
            self._values["other_palette"].append(to_other)

    def add_features(self, vgg: VGG19Features | None, colour: Tensor) -> None:
        """Adds features of a B×3×H×W tensor in [-1, 1] for the set distances."""
        if vgg is not None:
            self._features.append(metrics.vgg19_features(vgg, colour))

    def add_published(
        self, published: PublishedMetrics | None, colour: Tensor, truth: Tensor | None = None
    ) -> None:
        """Adds features for FID of a B×3×H×W tensor in [-1, 1] and, given the truth, LPIPS."""
        if published is None:
            return
        self._inception.append(published.inception_features(colour))
        if truth is not None:
            self._values["lpips"] += published.lpips(colour, truth)

    def summary(self, truth: Scores | None = None) -> dict[str, Any]:
        """Means over the images and, given the truth's scores, the distances to its features."""
        found = {name: np.mean(values, axis=0).tolist() for name, values in self._values.items()}
        if leaks := self._values.get("leak"):
            found |= {"strokes": len(leaks), "leak_90th": float(np.percentile(leaks, 90))}
        if self._hint_differences:
            differences = np.concatenate(self._hint_differences)
            found["hint_delta_e"] = float(np.median(differences))
            found["hint_delta_e_mean"] = float(np.mean(differences))
        if truth is not None and self._features and sum(map(len, self._features)) > 1:
            outputs, truths = torch.cat(self._features), torch.cat(truth._features)
            found |= metrics.set_distances(outputs, truths)
        if truth is not None and self._inception:
            outputs, truths = torch.cat(self._inception), torch.cat(truth._inception)
            found["fid"] = metrics.frechet_distance(outputs, truths)
        if "ssim" in self._values:
            found["per_image"] = {
                name: [round(float(value), 4) for value in self._values[name]] for name in PLOTTED
            }
        return found
