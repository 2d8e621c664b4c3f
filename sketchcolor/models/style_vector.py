"""The style vector of a reference picture, from VGG-19 (Zhang, Ji & Lin 2017).

Departure: the paper's vector has the 4096 activations of VGG-19's fc1. The VGG-19 of this package
has no fully connected layers, so the vector has the activations of the last convolution, averaged
over space.
"""

from __future__ import annotations

import os
from functools import lru_cache

import torch
import torch.nn.functional as F
from PIL import Image

from ..images import to_tensor
from .vgg19 import WEIGHTS_VARIABLE, VGG19Features

__all__ = ["from_image", "from_pictures"]

LAYER = "relu5_4"
SIDE = 224  # px, VGG-19's training resolution, as its features depend on the scale


@torch.no_grad()
def from_pictures(vgg: VGG19Features, colour: torch.Tensor) -> torch.Tensor:
    """Style vectors of a batch, for training and for references.

    Args:
        vgg: the network, on the device of the pictures.
        colour: B×3×H×W in [-1, 1]; resized to a square.

    Returns:
        B×C in [0, 1], C the width of VGG-19's last block (512). The largest entry of each vector
        is 1, for both conventions of the weights.
    """
    square = F.interpolate(colour.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
    features = vgg(square, [LAYER])[LAYER].mean((2, 3))  # (B, C)
    return features / features.amax(1, keepdim=True).clamp(min=1e-6)


def from_image(image: Image.Image) -> torch.Tensor:
    """The style vector of a reference picture, 1×C in [0, 1].

    Raises:
        ValueError: the weights of VGG-19 are missing or cannot be read.
    """
    try:
        vgg = _network(os.environ.get(WEIGHTS_VARIABLE))
    except FileNotFoundError as error:
        raise ValueError(
            "This model reads a reference's style with VGG-19, whose weights are not here: "
            f"set {WEIGHTS_VARIABLE} to a safetensors file of them."
        ) from error
    return from_pictures(vgg, to_tensor(image.convert("RGB")))


@lru_cache(maxsize=1)
def _network(path: str | None) -> VGG19Features:
    return VGG19Features.from_file(path)
