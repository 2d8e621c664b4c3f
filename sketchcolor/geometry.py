"""Pictures brought to the sizes that networks work at, and what belongs to them along with them."""

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
    """Geometry of a picture scaled to a working resolution and padded right and below.

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
        """Gives another picture of the original size the same scale and padding.

        Args:
            image: PIL image of size ``original_size``, any 8-bit mode.
            fill: colour of the padding, in the image's mode; None goes on as the picture's last
                row and column do, so that what the page cuts off does not end in paper.
            resample: filter; None averages when shrinking, so that thin lines survive as grey, and
                interpolates when enlarging.

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
            image = padded if fill is not None else _go_on(padded, self.scaled_size)
        return image

    def crop(self, tensor: torch.Tensor) -> torch.Tensor:
        """Removes the padding: B×C×H×W of ``padded_size`` to B×C×h×w of ``scaled_size``."""
        size = (tensor.shape[-1], tensor.shape[-2])
        if size != self.padded_size:
            raise ValueError(f"The tensor is {size} px; this fit pads to {self.padded_size}.")
        width, height = self.scaled_size
        return tensor[..., :height, :width]

    def take_over(self, tensor: torch.Tensor, other: Fit) -> torch.Tensor:
        """Moves what belongs to another fit of the same picture over to this one.

        Args:
            tensor: B×C×H×W of the other's padded page at any scale.
            other: its geometry.

        Returns:
            B×C×H×W of ``padded_size``, pixel over pixel; the padding goes on as the page's does.
        """
        width, height = other.padded_size
        whole = F.interpolate(tensor, (height, width), mode="bilinear")
        width, height = self.scaled_size
        placed = F.interpolate(other.crop(whole), (height, width), mode="bilinear")
        right, below = self.padded_size[0] - width, self.padded_size[1] - height
        return F.pad(placed, (0, right, 0, below), mode="replicate")


def fit(image: Image.Image, resolution: int, multiple: int = 32) -> tuple[Image.Image, Fit]:
    """Scales a picture to an area of about ``resolution``² px and pads it to whole multiples.

    The aspect is kept, so a long strip costs the network as much as a square; small pictures are
    enlarged. The padding, on the right and below, goes on as the picture ends.

    Args:
        image: PIL image, any 8-bit mode.
        resolution: side in px of the square with the working area.
        multiple: both padded sides are multiples of this.

    Returns:
        The padded picture and its `Fit`.
    """
    scaled = _at_area(image, resolution)
    width, height = (-(-side // multiple) * multiple for side in scaled)
    geometry = Fit(image.size, scaled, (width, height))
    return geometry.apply(image, fill=None), geometry


def stretch(image: Image.Image, resolution: int, multiple: int) -> tuple[Image.Image, Fit]:
    """Scales a picture to an area of about ``resolution``² px, to whole multiples and unpadded.

    For multiples so large that padding would be a good part of the page. The aspect changes a
    little: of the multiples next to each side those are taken that change it least.

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
    """Width and height of a picture scaled to ``resolution``² px."""
    if resolution < 1:
        raise ValueError(f"The resolution is {resolution}; it must be at least 1.")
    scale = resolution / math.sqrt(image.width * image.height)
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _go_on(padded: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fills what is right and below of a size with that part's last column and row."""
    width, height = size
    right, below = padded.width - width, padded.height - height
    if right:
        padded.paste(padded.crop((width - 1, 0, width, height)).resize((right, height)), (width, 0))
    if below:
        last = padded.crop((0, height - 1, padded.width, height))
        padded.paste(last.resize((padded.width, below)), (0, height))
    return padded
