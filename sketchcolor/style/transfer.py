"""Style transfer on VGG-19 (Gatys et al. 2016; Grover & Banker, 4.3), as published and fast.

The loss and the way from coarse to fine; what is asked for is in `style_settings`, the optimisers
in `style_optimisation`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from PIL import Image

from ..images import to_pil
from ..models.vgg19 import VGG19Features
from .optimisation import Clock, OnStep, optimise
from .settings import FAST, LEAST_SIDE, Settings, Style

__all__ = ["CONTENT_LAYER", "STYLE_LAYERS", "StyleLoss", "StyleTransfer", "gram"]

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
KEPT_TARGETS = 32  # style statistics
SHARES = (0.0, 0.5, 1.0)  # of a coarse scale's change, tried as a finer scale's beginning
STEADY = (0.5, 1.0)  # the same where losses are normalised


class StyleTransfer:
    """The optimisation, around one VGG-19; keeps the statistics of the last style pictures.

    Args:
        network: with average pooling for what the seed calls "much clearer and better results".
    """

    def __init__(self, network: VGG19Features) -> None:
        self.network = network
        self._targets: OrderedDict[tuple, dict[str, torch.Tensor]] = OrderedDict()

    def __call__(
        self,
        content: Image.Image,
        styles: Sequence[Style],
        settings: Settings = FAST,
        seed: int = 0,
        on_step: OnStep | None = None,
    ) -> Image.Image:
        """Paint a picture in the manner of others.

        Args:
            content: mode RGB, any size.
            styles: at least one, weights above zero.
            settings: see `style_settings`.
            seed: of the noise to start from.
            on_step: see `OnStep`.

        Returns:
            The picture, its longer side that of the last scale, or of the scale that was reached
            when ``on_step`` stopped it.

        Raises:
            ValueError: no style, or no style with a weight.
        """
        total = sum(style.weight for style in styles)
        if not styles or total <= 0 or min(style.weight for style in styles) < 0:
            raise ValueError("Give at least one style picture with a weight above zero.")
        clock = Clock(settings, on_step)
        device = self.network.device
        page: torch.Tensor | None = None
        picture: torch.Tensor | None = None
        for scale in settings.scales:
            size, coarse = _size(content.size, scale.side), page
            page = _tensor(content, size).to(device)
            wanted = self._wanted(styles, total, size, settings)
            loss = StyleLoss(self.network, page, wanted, settings)
            if picture is not None and coarse is not None:
                shares = STEADY if settings.normalised else SHARES
                picture = _enlarged(picture - coarse, page, loss, shares)
            elif settings.start == "noise":
                noise = torch.Generator().manual_seed(seed)
                picture = torch.rand(page.shape, generator=noise).to(device) * 2.0 - 1.0
            else:
                picture = page
            picture, go_on = optimise(picture, loss, scale, settings, clock)
            if not go_on:
                break
        assert picture is not None
        return to_pil(picture)[0]

    @torch.no_grad()
    def loss(
        self,
        picture: Image.Image,
        content: Image.Image,
        styles: Sequence[Style],
        settings: Settings,
    ) -> float:
        """What a finished picture would score at the last scale, to compare ways of painting it.

        Args:
            picture: mode RGB, the content's proportions.
            content, styles, settings: as in a call.
        """
        size = _size(content.size, settings.scales[-1].side)
        page, painted = (
            _tensor(image, size).to(self.network.device) for image in (content, picture)
        )
        total = sum(style.weight for style in styles)
        wanted = self._wanted(styles, total, size, settings)
        return float(StyleLoss(self.network, page, wanted, settings)(painted))

    def _wanted(
        self, styles: Sequence[Style], total: float, size: tuple[int, int], settings: Settings
    ) -> dict[str, torch.Tensor]:
        """Layer → weighted mean of the styles' Gram matrices, C×C."""
        mixed: dict[str, torch.Tensor] = {}
        for style in styles:
            if settings.squeeze:
                shape = size
            else:
                shape = _size(style.image.size, max(LEAST_SIDE, round(max(size) / style.scale)))
            for layer, gram in self._target(style.image, shape).items():
                mixed[layer] = mixed.get(layer, 0.0) + style.weight / total * gram
        return mixed

    def _target(self, image: Image.Image, size: tuple[int, int]) -> dict[str, torch.Tensor]:
        key = (hashlib.sha256(image.tobytes()).digest(), image.size, size)
        if key not in self._targets:
            with torch.no_grad():
                features = self.network(_tensor(image, size).to(self.network.device), STYLE_LAYERS)
            self._targets[key] = {layer: gram(found)[0] for layer, found in features.items()}
            while len(self._targets) > KEPT_TARGETS:
                self._targets.popitem(last=False)
        self._targets.move_to_end(key)
        return self._targets[key]


def gram(features: torch.Tensor) -> torch.Tensor:
    """Equation 3 divided by the number of positions, so that pictures of all sizes compare.

    Args:
        features: B×C×h×w.

    Returns:
        B×C×C.
    """
    rows = features.float().flatten(2)  # (B, C, hw)
    return rows @ rows.transpose(1, 2) / rows.shape[2]


class StyleLoss:
    """Equation 7 for one size of the picture.

    Args:
        network: gives the features.
        page: the content, 1×3×h×w in [-1, 1].
        wanted: layer → the styles' Gram matrix, C×C.
        settings: its weights, and whether they are normalised.
    """

    def __init__(
        self,
        network: VGG19Features,
        page: torch.Tensor,
        wanted: dict[str, torch.Tensor],
        settings: Settings,
    ) -> None:
        self.network, self.wanted, self.settings = network, wanted, settings
        with torch.no_grad():
            self.content = network(page, [CONTENT_LAYER])[CONTENT_LAYER].float()

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        found = self.network(picture, [*STYLE_LAYERS, CONTENT_LAYER])
        normalised = self.settings.normalised
        content = 0.5 * (found[CONTENT_LAYER].float() - self.content).square().sum()  # equation 1
        if normalised:
            content = content / (0.5 * self.content.square().sum()).clamp(min=1e-12)
        style = picture.new_zeros(())
        for layer in STYLE_LAYERS:
            target = self.wanted[layer]
            error = (gram(found[layer])[0] - target).square().sum()
            if normalised:
                error = error / target.square().sum().clamp(min=1e-12)
            else:
                error = error / (4.0 * target.shape[0] ** 2)  # equation 4
            style = style + error / len(STYLE_LAYERS)  # equation 5, equal weights
        return self.settings.alpha * content + self.settings.beta * style


@torch.no_grad()
def _enlarged(
    change: torch.Tensor, page: torch.Tensor, loss: StyleLoss, shares: Sequence[float]
) -> torch.Tensor:
    """A larger page with as much of a smaller one's change as lowers its loss most.

    What was changed grows, not the picture: the content keeps its fine detail. Enlarged strokes
    are blurred and can score worse than the bare content, yet better a few iterations later: with
    normalised losses some of them always go on. Without, they spoil more than those mend.
    """
    change = F.interpolate(change, page.shape[2:], mode="bicubic")
    return min(((page + share * change).clamp(-1.0, 1.0) for share in shares), key=loss)


def _size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """(width, height) of a picture whose longer side becomes ``side``."""
    factor = side / max(size)
    return max(LEAST_SIDE, round(size[0] * factor)), max(LEAST_SIDE, round(size[1] * factor))


def _tensor(image: Image.Image, size: tuple[int, int]) -> torch.Tensor:
    """1×3×h×w in [-1, 1]."""
    small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    pixels = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
    planes = pixels.view(size[1], size[0], 3).permute(2, 0, 1)[None].float()
    return planes / 127.5 - 1.0
