"""Pictures from style transfers that run through the network in training, to train it on.

A style transfer follows the network's gradient to pictures that no dataset has: those on which the
network is most wrong in the direction that lowers its loss. Training on the states that the network
itself leads to corrects these errors (Ross et al. 2011, dataset aggregation).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ..models.vgg19 import VGG19Features
from ..style.settings import FAST
from ..style.transfer import STYLE_LAYERS, StyleLoss, gram

__all__ = ["OnPolicySamples"]

POOL_SIZE = 12  # style transfers in progress
STEPS_PER_DRAW = 2  # optimisation steps of a style transfer each time its picture is drawn
MAX_STEPS = 60  # then a new style transfer, of other pictures, takes its place
PIXEL_LEARNING_RATE = 0.03  # of pixels in [-1, 1]


class OnPolicySamples:
    """A pool of style transfers, each advanced a little whenever its picture is drawn.

    Args:
        network: gives the features of the transfers, with the weights that it has at the time; no
            gradient of its weights is stored.
        contents, styles: B×3×H×W in [-1, 1] without end; the first of each batch is used.
        seed: of the choice of transfers.
    """

    def __init__(
        self,
        network: VGG19Features,
        contents: Iterator[torch.Tensor],
        styles: Iterator[torch.Tensor],
        seed: int = 0,
    ) -> None:
        self.network, self.contents, self.styles = network, contents, styles
        self.rng = torch.Generator().manual_seed(seed)
        self.pool: list[_PixelOptimisation] = []

    def draw(self, size: int) -> torch.Tensor:
        """Advance some of the style transfers and return their pictures.

        Args:
            size: how many, at most :data:`POOL_SIZE`.

        Returns:
            size×3×H×W in [-1, 1].
        """
        while len(self.pool) < POOL_SIZE:
            content, style = next(self.contents)[:1], next(self.styles)[:1]
            self.pool.append(_PixelOptimisation(self.network, content, style))
        chosen = torch.randperm(POOL_SIZE, generator=self.rng)[:size]
        for index in chosen:
            self.pool[index].advance()
        pictures = torch.cat([self.pool[index].picture.detach() for index in chosen])
        self.pool = [transfer for transfer in self.pool if transfer.steps < MAX_STEPS]
        return pictures


class _PixelOptimisation:
    """One style transfer: the pixels of a picture and their optimiser.

    Args:
        content, style: 1×3×H×W in [-1, 1]; the picture starts as the content.
    """

    def __init__(self, network: VGG19Features, content: torch.Tensor, style: torch.Tensor) -> None:
        with torch.no_grad():
            features = network(style, STYLE_LAYERS)
            targets = {layer: gram(activations)[0] for layer, activations in features.items()}
        self.loss = StyleLoss(network, content, targets, FAST)
        self.picture = nn.Parameter(content.contiguous(memory_format=torch.channels_last))
        self.optimizer = torch.optim.Adam([self.picture], lr=PIXEL_LEARNING_RATE)
        self.steps = 0

    def advance(self) -> None:
        for _ in range(STEPS_PER_DRAW):
            (self.picture.grad,) = torch.autograd.grad(self.loss(self.picture), self.picture)
            self.optimizer.step()
            with torch.no_grad():
                self.picture.clamp_(-1.0, 1.0)
        self.steps += STEPS_PER_DRAW
