"""Small composable losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..models.style_guided import StyleGuidedOutput
from ..models.vgg19 import VGG19Features

__all__ = [
    "PerceptualLoss",
    "discriminator_loss",
    "flow_loss",
    "generator_loss",
    "guide_loss",
    "total_variation",
]

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: how bright red, green and blue look
DETAIL_TIME = 0.3  # of a flow: from here down to the picture, errors count ever less


class PerceptualLoss(nn.Module):
    """Σ_l λ_l mean |φ_l(a) − φ_l(b)| over VGG-19 layers (Liu, Chen & Hu 2019, equation for L_g).

    Departure: each layer is divided by the mean of its features of the true picture, because
    activations of the Caffe weights run to the hundreds and grow with depth. With the distance
    ``l2`` it is the plain mean square of the differences (tlwh1179, section 2).

    Args:
        vgg: the network.
        layers: their names.
        distance: ``relative`` or ``l2``.
        layer_weights: λ, one per layer; none is the mean over the layers, or their sum for ``l2``.
    """

    def __init__(
        self,
        vgg: VGG19Features,
        layers: tuple[str, ...],
        distance: str = "relative",
        layer_weights: tuple[float, ...] = (),
    ) -> None:
        super().__init__()
        self.vgg, self.layers, self.distance = vgg, layers, distance
        alike = 1.0 if distance == "l2" else 1.0 / len(layers)
        self.layer_weights = layer_weights or (alike,) * len(layers)

    def forward(self, image: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Scalar; both pictures B×3×H×W in [-1, 1]."""
        with torch.no_grad():
            wanted = self.vgg(truth, self.layers)
        found = self.vgg(image, self.layers)
        pairs = zip(self.layers, self.layer_weights, strict=True)
        if self.distance == "l2":
            return sum(share * F.mse_loss(found[k], wanted[k]) for k, share in pairs)
        return sum(share * F.l1_loss(found[k], wanted[k]) / wanted[k].mean() for k, share in pairs)


def total_variation(image: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference between neighbours, of B×C×H×W (Rudin et al. 1992, anisotropic)."""
    down = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    right = (image[..., 1:] - image[..., :-1]).abs().mean()
    return down + right


def guide_loss(
    output: StyleGuidedOutput, truth: torch.Tensor, weights: tuple[float, float]
) -> torch.Tensor:
    """α · mean |grey(y) − G_g1| + β · mean |y − G_g2| (Zhang, Ji & Lin 2017).

    Args:
        output: of a style-guided generator in training. truth: B×3×H×W in [-1, 1].
        weights: α and β.
    """
    luma = truth.new_tensor(LUMA).view(1, 3, 1, 1)
    grey = (truth * luma).sum(1, keepdim=True)
    grey_loss = F.l1_loss(output.grey_guide.float(), grey)
    colour_loss = F.l1_loss(output.colour_guide.float(), truth)
    return weights[0] * grey_loss + weights[1] * colour_loss


def discriminator_loss(
    kind: str, real: torch.Tensor, fake: torch.Tensor, classes: torch.Tensor | None = None
) -> torch.Tensor:
    """Loss of the discriminator from its scores of real and generated pictures.

    Args:
        kind: ``hinge``, ``lsgan`` or ``bce``.
        real, fake: scores (logits) of one shape.
        classes: what real pictures should score under ``bce``, in [0, 1], where that is not 1 but
            a class of each (an auxiliary classifier; generated pictures belong to none).
    """
    if kind == "hinge":
        return (F.relu(1.0 - real).mean() + F.relu(1.0 + fake).mean()) / 2.0
    if kind == "lsgan":
        return ((real - 1.0).square().mean() + fake.square().mean()) / 2.0
    if kind == "bce":
        bce = F.binary_cross_entropy_with_logits
        wanted = torch.ones_like(real) if classes is None else classes
        return (bce(real, wanted) + bce(fake, torch.zeros_like(fake))) / 2.0
    raise ValueError(f"Unknown adversarial loss {kind!r}; choose hinge, lsgan or bce.")


def generator_loss(
    kind: str, fake: torch.Tensor, classes: torch.Tensor | None = None
) -> torch.Tensor:
    """Adversarial loss of the generator from the discriminator's scores; see above."""
    if kind == "hinge":
        return -fake.mean()
    if kind == "lsgan":
        return (fake - 1.0).square().mean()
    if kind == "bce":
        wanted = torch.ones_like(fake) if classes is None else classes
        return F.binary_cross_entropy_with_logits(fake, wanted)
    raise ValueError(f"Unknown adversarial loss {kind!r}; choose hinge, lsgan or bce.")


def flow_loss(
    velocity: torch.Tensor, noise: torch.Tensor, colour: torch.Tensor, time: torch.Tensor
) -> torch.Tensor:
    """Squared error of the velocity of the straight path from colour (0) to noise (1).

    Times near the picture count less than their velocity's error would make them: that error is
    the colour's, divided by the time, and would spend a small network on the finest detail.

    Args:
        velocity, noise, colour: B×3×h×w. time: B×1×1×1 in [0, 1].
    """
    weight = time.square() / (time.square() + DETAIL_TIME**2)
    return (weight * (velocity.float() - (noise - colour)).square()).mean()
