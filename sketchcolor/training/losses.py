"""Losses of generators, discriminators and the flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ..models.style_guided import StyleGuidedOutput
from ..models.vgg19 import TORCH, VGG19Features

__all__ = [
    "PerceptualLoss",
    "discriminator_loss",
    "flow_loss",
    "generator_loss",
    "guide_loss",
    "total_variation",
]

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)
HALF_WEIGHT_TIME = 0.3  # of a flow, in [0, 1]: here the weight of the velocity error is one half


class PerceptualLoss(nn.Module):
    """Σ_l λ_l d(φ_l(a), φ_l(b)) over layers φ_l of VGG-19.

    Three distances d:

    - ``relative``: mean |φ(a) − φ(b)| (L_g of Liu, Chen & Hu 2019). Departure: it is divided by the
      mean activation of the true picture, because activations of the Caffe weights reach the
      hundreds and grow with depth.
    - ``norm``: the norm ‖φ(a) − φ(b)‖₂ of each picture, averaged over the pictures (L_f of Liu,
      Qin, Wan & Luo 2018), on the activations of the Caffe weights.
    - ``l2``: the mean squared difference (tlwh1179, section 2), on the smaller activations of a
      network that takes normalised pictures.

    Departure: both of the latter papers have VGG-16.

    Args:
        vgg: the network.
        layers: names of its layers.
        distance: ``relative``, ``norm`` or ``l2``.
        layer_weights: λ_l, one per layer. Empty: 1 / number of layers each for ``relative``, 1 each
            for the others.
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
        equal = 1.0 / len(layers) if distance == "relative" else 1.0
        self.layer_weights = layer_weights or (equal,) * len(layers)
        # Caffe's weights take 8-bit levels that are not divided by their standard deviation, and
        # the activations of a piecewise linear network are larger by about that factor.
        range_of_input = vgg.config.scale * len(vgg.config.std) / sum(vgg.config.std)
        self.scale = range_of_input * sum(TORCH["std"]) / len(TORCH["std"])

    def forward(self, image: torch.Tensor, truth: torch.Tensor) -> Any:
        """Scalar tensor; both pictures B×3×H×W in [-1, 1]."""
        with torch.no_grad():
            target = self.vgg(truth, self.layers)
        found = self.vgg(image, self.layers)
        pairs = zip(self.layers, self.layer_weights, strict=True)
        return sum(weight * self._distance(found[k], target[k]) for k, weight in pairs)

    def _distance(self, found: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Scalar; both B×C×h×w activations of one layer."""
        if self.distance == "norm":
            return (found - target).flatten(1).norm(dim=1).mean()
        if self.distance == "l2":
            return F.mse_loss(found, target) / self.scale**2
        return F.l1_loss(found, target) / target.mean()


def total_variation(image: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference between neighbours, of B×C×H×W (Rudin et al. 1992, anisotropic)."""
    down = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    right = (image[..., 1:] - image[..., :-1]).abs().mean()
    return down + right


def guide_loss(
    output: StyleGuidedOutput, truth: torch.Tensor, weights: Sequence[float]
) -> torch.Tensor:
    """α · mean |grey(y) − G_g1| + β · mean |y − G_g2| (Zhang, Ji & Lin 2017).

    Args:
        output: of a style-guided generator in training mode. truth: B×3×H×W in [-1, 1].
        weights: α and β.
    """
    luma = truth.new_tensor(LUMA).view(1, 3, 1, 1)
    grey = (truth * luma).sum(1, keepdim=True)
    guides = output.grey_guide, output.colour_guide
    assert guides[0] is not None and guides[1] is not None
    grey_loss = F.l1_loss(guides[0].float(), grey)
    colour_loss = F.l1_loss(guides[1].float(), truth)
    return weights[0] * grey_loss + weights[1] * colour_loss


def discriminator_loss(
    kind: str, scores: torch.Tensor, is_real: bool, classes: torch.Tensor | None = None
) -> torch.Tensor:
    """Loss of the discriminator from its scores of real, or of generated, pictures.

    The papers' loss is the sum of both; Isola et al. 2017 (section 3.3) halve it.

    Args:
        kind: ``hinge``, ``lsgan`` or ``bce``.
        scores: logits.
        is_real: whether they are those of real pictures.
        classes: only for ``bce`` with an auxiliary classifier: target scores of real pictures in
            [0, 1]. None: 1 for every real picture. The targets of generated pictures are 0.

    Raises:
        ValueError: the kind is another.
    """
    if kind == "hinge":
        return F.relu(1.0 - scores if is_real else 1.0 + scores).mean()
    if kind == "lsgan":
        return (scores - float(is_real)).square().mean()
    if kind == "bce":
        target = torch.full_like(scores, float(is_real)) if classes is None else classes
        return F.binary_cross_entropy_with_logits(scores, target)
    raise ValueError(f"Unknown adversarial loss {kind!r}; choose hinge, lsgan or bce.")


def generator_loss(
    kind: str, fake: torch.Tensor, classes: torch.Tensor | None = None
) -> torch.Tensor:
    """Adversarial loss of the generator from the scores of its pictures.

    Args:
        kind, classes: as of :func:`discriminator_loss`; classes are what the pictures should have.
        fake: logits.

    Raises:
        ValueError: the kind is another.
    """
    if kind == "hinge":
        return -fake.mean()
    if kind == "lsgan":
        return (fake - 1.0).square().mean()
    if kind == "bce":
        target = torch.ones_like(fake) if classes is None else classes
        return F.binary_cross_entropy_with_logits(fake, target)
    raise ValueError(f"Unknown adversarial loss {kind!r}; choose hinge, lsgan or bce.")


def flow_loss(
    velocity: torch.Tensor, noise: torch.Tensor, colour: torch.Tensor, time: torch.Tensor
) -> torch.Tensor:
    """Weighted squared error of the velocity on the straight path from colour (0) to noise (1).

    The weight t² / (t² + :data:`HALF_WEIGHT_TIME`²) falls towards the picture. The velocity's error
    is the predicted colour's error divided by t, so without the weight a small network would be
    trained mostly on the finest detail.

    Args:
        velocity, noise, colour: B×3×h×w. time: B×1×1×1 in [0, 1].
    """
    weight = time.square() / (time.square() + HALF_WEIGHT_TIME**2)
    return (weight * (velocity.float() - (noise - colour)).square()).mean()
