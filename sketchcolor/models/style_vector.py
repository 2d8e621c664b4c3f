"""Style: what VGG-19 sees in a reference picture, as one vector (Zhang, Ji & Lin 2017).

The paper's vector is the 4096 activations of VGG-19's fc1. The VGG-19 of this package ends with its
convolutions, so it is the last of them averaged over space: which features a picture has, not
where.
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
SIDE = 224  # px, what VGG-19 was trained on; its features depend on the size of things


@torch.no_grad()
def from_pictures(vgg: VGG19Features, colour: torch.Tensor) -> torch.Tensor:
    """Style vectors of a batch; training and a visitor's reference both come through here.

    Args:
        vgg: the network, on the device of the pictures.
        colour: B×3×H×W in [-1, 1], squeezed to one square size.

    Returns:
        B×C in [0, 1], C the width of VGG-19's last block (512). The largest entry of each vector
        is 1, whatever the convention of the weights.
    """
    square = F.interpolate(colour.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
    features = vgg(square, [LAYER])[LAYER].mean((2, 3))  # (B, C)
    return features / features.amax(1, keepdim=True).clamp(min=1e-6)


def from_image(image: Image.Image) -> torch.Tensor:
    """The style vector of a reference picture, 1×C in [0, 1].

    Raises:
        ValueError: there are no weights of VGG-19 here, or no readable ones.
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
