"""Pictures that a slim network is painting right now, for it to learn from its own mistakes.

A style pass follows the network's gradient to pictures that no dataset has: those on which the
network is most wrong in its own favour. A student that is shown where its own way leads unlearns
just these errors (Ross et al. 2011, dataset aggregation).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ..models.vgg19 import VGG19Features
from ..style.settings import FAST
from ..style.transfer import STYLE_LAYERS, StyleLoss, gram

__all__ = ["Easel"]

PICTURES = 12  # in work at a time
STROKES = 2  # iterations between two looks at a picture
LIFE = 60  # iterations, then another content and another style take its place
LEARNING_RATE = 0.03  # of pixels in [-1, 1]


class Easel:
    """Paints windows of pictures in the manner of others, a little at every look.

    Args:
        network: painted with as it is, while it learns; its own gradients are not touched.
        contents, styles: B×3×H×W in [-1, 1] without end; the first of each batch is used.
        seed: of the choice which picture is worked on.
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
        self.canvases: list[_Canvas] = []

    def paint(self, size: int) -> torch.Tensor:
        """Work on some of the pictures and show them.

        Args:
            size: how many, at most all that are in work.

        Returns:
            size×3×H×W in [-1, 1].
        """
        while len(self.canvases) < PICTURES:
            content, style = next(self.contents)[:1], next(self.styles)[:1]
            self.canvases.append(_Canvas(self.network, content, style))
        chosen = torch.randperm(PICTURES, generator=self.rng)[:size]
        for index in chosen:
            self.canvases[index].paint()
        shown = torch.cat([self.canvases[index].picture.detach() for index in chosen])
        self.canvases = [canvas for canvas in self.canvases if canvas.strokes < LIFE]
        return shown


class _Canvas:
    """One picture in work."""

    def __init__(self, network: VGG19Features, content: torch.Tensor, style: torch.Tensor) -> None:
        with torch.no_grad():
            wanted = {name: gram(found)[0] for name, found in network(style, STYLE_LAYERS).items()}
        self.loss = StyleLoss(network, content, wanted, FAST)
        self.picture = nn.Parameter(content.contiguous(memory_format=torch.channels_last))
        self.optimizer = torch.optim.Adam([self.picture], lr=LEARNING_RATE)
        self.strokes = 0

    def paint(self) -> None:
        for _ in range(STROKES):
            (self.picture.grad,) = torch.autograd.grad(self.loss(self.picture), self.picture)
            self.optimizer.step()
            with torch.no_grad():
                self.picture.clamp_(-1.0, 1.0)
        self.strokes += STROKES
