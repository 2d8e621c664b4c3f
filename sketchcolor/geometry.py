"""Brings pictures to the sizes that networks work at, and maps of a picture along with it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from PIL import Image

__all__ = ["Fit", "fit", "stretch"]


@dataclass(frozen=True)
class Fit:
    """How a picture is scaled to a working resolution and padded at its right and lower edge.

    All sizes are (width, height) in pixels.
    """

    original_size: tuple[int, int]
    scaled_size: tuple[int, int]
    padded_size: tuple[int, int]

    def apply(
        self,
        image: Image.Image,
        fill: str | int | tuple[int, ...] | None = "white",
        resample: Image.Resampling | None = None,
    ) -> Image.Image:
        """Scales and pads another picture of the original size in the same way.

        Args:
            image: PIL image of size ``original_size``, any 8-bit mode.
            fill: colour of the padding, in the image's mode. None repeats the picture's last row
                and column, so that what the page cuts off does not seem to end at white paper.
            resample: filter; None takes Lanczos when shrinking, so that thin lines survive as
                grey, and bicubic when enlarging.

        Returns:
            PIL image of size ``padded_size``.

        Raises:
            ValueError: the picture has another size.
        """
        if image.size != self.original_size:
            raise ValueError(
                f"The picture is {image.size} px; this fit wants {self.original_size}."
            )
        if self.scaled_size != self.original_size:
            if resample is None:
                shrinks = self.scaled_size[0] < self.original_size[0]
                resample = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
            image = image.resize(self.scaled_size, resample, reducing_gap=3.0)
        if self.padded_size != self.scaled_size:
            padded = Image.new(image.mode, self.padded_size, 0 if fill is None else fill)
            padded.paste(image, (0, 0))
            image = padded if fill is not None else _repeat_edges(padded, self.scaled_size)
        return image

    def crop(self, tensor: torch.Tensor) -> torch.Tensor:
        """Removes the padding: B×C×H×W of ``padded_size`` to B×C×h×w of ``scaled_size``."""
        size = (tensor.shape[-1], tensor.shape[-2])
        if size != self.padded_size:
            raise ValueError(f"The tensor is {size} px; this fit pads to {self.padded_size}.")
        width, height = self.scaled_size
        return tensor[..., :height, :width]

    def take_over(self, tensor: torch.Tensor, other: Fit) -> torch.Tensor:
        """Resamples a map that was made for another fit of the same picture.

        Args:
            tensor: B×C×H×W, of the other fit's padded picture at any scale.
            other: the fit that the map was made for.

        Returns:
            B×C×H×W of ``padded_size``, each value at the same place of the picture as before; the
            padding repeats the last row and column.
        """
        width, height = other.padded_size
        whole = F.interpolate(tensor, (height, width), mode="bilinear")
        width, height = self.scaled_size
        placed = F.interpolate(other.crop(whole), (height, width), mode="bilinear")
        right, below = self.padded_size[0] - width, self.padded_size[1] - height
        return F.pad(placed, (0, right, 0, below), mode="replicate")


def fit(image: Image.Image, resolution: int, multiple: int = 32) -> tuple[Image.Image, Fit]:
    """Scales a picture to an area of about ``resolution``² px and pads it to whole multiples.

    The aspect ratio is kept and the area is the same, so a long strip costs the network as much as
    a square; small pictures are enlarged. The padding repeats the last row and column.

    Args:
        image: PIL image, any 8-bit mode.
        resolution: side in px of a square that has the wanted area.
        multiple: both padded sides are multiples of this.

    Returns:
        The padded picture and its `Fit`.
    """
    scaled = _at_area(image, resolution)
    width, height = (-(-side // multiple) * multiple for side in scaled)
    geometry = Fit(image.size, scaled, (width, height))
    return geometry.apply(image, fill=None), geometry


def stretch(image: Image.Image, resolution: int, multiple: int) -> tuple[Image.Image, Fit]:
    """Scales a picture to an area of about ``resolution``² px with sides that are whole multiples.

    This is for multiples so large that padding would be a good part of the page. Instead the aspect
    ratio changes a little: each side becomes the multiple just below or above it, whichever pair
    changes the ratio least.

    Args:
        image, resolution, multiple: as for :func:`fit`.

    Returns:
        The picture and its `Fit`.
    """
    width, height = _at_area(image, resolution)
    columns, rows = ({max(1, side // multiple), -(-side // multiple)} for side in (width, height))

    def change(counts: tuple[int, int]) -> tuple[float, float]:
        aspect, area = counts[0] / counts[1], counts[0] * counts[1] * multiple**2
        return abs(math.log(aspect * height / width)), abs(math.log(area / (width * height)))

    best = min(itertools.product(columns, rows), key=change)
    size = best[0] * multiple, best[1] * multiple
    geometry = Fit(image.size, size, size)
    return geometry.apply(image), geometry


def _at_area(image: Image.Image, resolution: int) -> tuple[int, int]:
    """Width and height of a picture scaled to an area of ``resolution``² px."""
    if resolution < 1:
        raise ValueError(f"The resolution is {resolution}; it must be at least 1.")
    scale = resolution / math.sqrt(image.width * image.height)
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _repeat_edges(padded: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fills what is right of and below the part of this size with its last column and row."""
    width, height = size
    right, below = padded.width - width, padded.height - height
    if right:
        padded.paste(padded.crop((width - 1, 0, width, height)).resize((right, height)), (width, 0))
    if below:
        last = padded.crop((0, height - 1, padded.width, height))
        padded.paste(last.resize((padded.width, below)), (0, height))
    return padded
