"""Style transfer on VGG-19 (Gatys et al. 2016; Grover & Banker, 4.3), as published and fast.

The loss and the coarse-to-fine loop; see `settings` for the settings and `optimisation` for the
optimisers.
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
from .settings import FAST, LEAST_SIDE, Settings, Style, total_weight

__all__ = ["STYLE_LAYERS", "StyleLoss", "StyleTransfer", "gram"]

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CACHED_TARGETS = 32  # sets of Gram matrices, one for each style picture and size
# Fractions of a coarse scale's change that are tried as the start of the next scale.
SHARES = (0.0, 0.5, 1.0)
NORMALISED_SHARES = (0.5, 1.0)


class StyleTransfer:
    """The style transfer with one VGG-19; it caches the Gram matrices of recent style pictures.

    Args:
        network: average pooling gives "much clearer and better results" (Grover & Banker).
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
        """Paint a picture in the style of others.

        Args:
            content: mode RGB, any size.
            styles: at least one, weights above zero.
            settings: see :class:`Settings`.
            seed: of the initial noise, if ``settings.start`` is ``noise``.
            on_step: see `OnStep`.

        Returns:
            The picture, its longer side that of the last scale, or of the scale that was reached
            when ``on_step`` stopped it.

        Raises:
            ValueError: no style, or no style with a weight.
        """
        total = total_weight(styles)
        clock = Clock(settings, on_step)
        device = self.network.device
        original: torch.Tensor | None = None
        picture: torch.Tensor | None = None
        for scale in settings.scales:
            size, coarse = _size(content.size, scale.side), original
            original = _tensor(content, size).to(device)
            targets = self._targets_of(styles, total, size, settings)
            loss = StyleLoss(self.network, original, targets, settings)
            if picture is not None and coarse is not None:
                shares = NORMALISED_SHARES if settings.normalised else SHARES
                picture = _enlarged(picture - coarse, original, loss, shares)
            else:
                picture = _start(original, styles, settings, seed)
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
        """The loss of a finished picture at the last scale, to compare settings.

        Args:
            picture: mode RGB, with the content's proportions.
            content, styles, settings: as in a call.
        """
        size = _size(content.size, settings.scales[-1].side)
        original, painted = (
            _tensor(image, size).to(self.network.device) for image in (content, picture)
        )
        targets = self._targets_of(styles, total_weight(styles), size, settings)
        return float(StyleLoss(self.network, original, targets, settings)(painted))

    def _targets_of(
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
            while len(self._targets) > CACHED_TARGETS:
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
        original: the content, 1×3×h×w in [-1, 1].
        targets: layer → the styles' Gram matrix, C×C.
        settings: the weights, and whether the losses are normalised.
    """

    def __init__(
        self,
        network: VGG19Features,
        original: torch.Tensor,
        targets: dict[str, torch.Tensor],
        settings: Settings,
    ) -> None:
        self.network, self.targets, self.settings = network, targets, settings
        self.layer = settings.content_layer
        with torch.no_grad():
            self.content = network(original, [self.layer])[self.layer].float()

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        found = self.network(picture, [*STYLE_LAYERS, self.layer])
        normalised = self.settings.normalised
        content = 0.5 * (found[self.layer].float() - self.content).square().sum()  # equation 1
        if normalised:
            content = content / (0.5 * self.content.square().sum()).clamp(min=1e-12)
        style = picture.new_zeros(())
        for layer in STYLE_LAYERS:
            target = self.targets[layer]
            error = (gram(found[layer])[0] - target).square().sum()
            if normalised:
                error = error / target.square().sum().clamp(min=1e-12)
            else:
                error = error / (4.0 * target.shape[0] ** 2)  # equation 4
            style = style + error / len(STYLE_LAYERS)  # equation 5, equal weights
        return self.settings.alpha * content + self.settings.beta * style


def _start(
    original: torch.Tensor, styles: Sequence[Style], settings: Settings, seed: int
) -> torch.Tensor:
    """The picture that the first scale begins with, 1×3×h×w in [-1, 1], see ``settings.start``."""
    if settings.start == "noise":
        noise = torch.Generator().manual_seed(seed)
        return torch.rand(original.shape, generator=noise).to(original.device) * 2.0 - 1.0
    if settings.start == "style":
        heaviest = max(styles, key=lambda style: style.weight)
        height, width = original.shape[2:]
        return _tensor(heaviest.image, (width, height)).to(original.device)
    return original


@torch.no_grad()
def _enlarged(
    change: torch.Tensor, original: torch.Tensor, loss: StyleLoss, shares: Sequence[float]
) -> torch.Tensor:
    """The start of the next scale: the content and that share of the change with the lowest loss.

    The change is enlarged, not the picture, so that the content keeps its fine detail. Enlarged
    strokes are blurred, and their loss can be higher than that of the content alone. With
    normalised losses they still pay off a few iterations later, hence `NORMALISED_SHARES` without
    0; with the published losses they do not.

    Args:
        change: what the coarse scale has changed, 1×3×h×w.
        original: the content at the next scale, 1×3×H×W in [-1, 1].
        loss: of that scale.
        shares: fractions of the change to try.
    """
    change = F.interpolate(change, original.shape[2:], mode="bicubic")
    return min(((original + share * change).clamp(-1.0, 1.0) for share in shares), key=loss)


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
