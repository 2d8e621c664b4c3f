"""Style transfer on VGG-19 (Gatys et al. 2016; seed 003, section 4.3), as published and fast.

`FAITHFUL` is what the seed ran: one size, 1000 iterations. `FAST` works from coarse to fine, so
that nearly all iterations run where they are cheap, and moves on when nothing improves any more.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from PIL import Image

from .images import to_pil
from .models.vgg19 import VGG19Features

__all__ = ["FAITHFUL", "FAST", "Progress", "Settings", "Style", "StyleTransfer"]

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
LEVELS = 255.0  # the optimisers see pixels from 0 to 255, as the seed's learning rate expects
LEAST_SIDE = 32  # px; pooled four times this still is more than one cell
KEPT_TARGETS = 32  # style statistics


@dataclass(frozen=True)
class Scale:
    """One size of the picture: its longer side in px, and iterations at most."""

    side: int
    iterations: int


@dataclass(frozen=True)
class Settings:
    """How to optimise.

    Attributes:
        scales: from coarse to fine; the last is the size of the result.
        optimizer: ``lbfgs`` or ``adam``.
        learning_rate: in pixel levels of 0 to 255.
        alpha, beta: weights of content and style, equation 7.
        normalised: divide each layer's loss by the size of its target, so that all five layers
            and the content are heard; False is equation 4 as it stands.
        start: ``content``, or ``noise`` (figure 11 of the seed).
        plateau: a scale ends when ten iterations lower the loss by less than this share; 0 never.
        squeeze: resize style pictures to the content's very shape, as the seed did; False keeps
            their proportions.
    """

    scales: tuple[Scale, ...]
    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float = 1.0
    alpha: float = 1e-3
    beta: float = 1e-3
    normalised: bool = False
    start: Literal["content", "noise"] = "content"
    plateau: float = 0.0
    squeeze: bool = False

    def at(self, side: int) -> Settings:
        """The same for a result of another size: every scale changes in proportion."""
        factor = side / self.scales[-1].side
        scales = (
            replace(scale, side=max(LEAST_SIDE, round(scale.side * factor)))
            for scale in self.scales
        )
        return replace(self, scales=tuple(scales))


FAITHFUL = Settings(scales=(Scale(512, 1000),), squeeze=True)
FAST = Settings(
    scales=(Scale(128, 120), Scale(256, 60), Scale(512, 20)), normalised=True, plateau=0.01
)


@dataclass(frozen=True)
class Style:
    """A style picture.

    Attributes:
        image: mode RGB.
        weight: against the other styles.
        scale: size of its strokes in the result, 1 as they are when both pictures are equally long.
    """

    image: Image.Image
    weight: float = 1.0
    scale: float = 1.0


@dataclass(frozen=True)
class Progress:
    """What is known after an iteration.

    Attributes:
        iteration, iterations: of all scales together; scales may end early.
        side: px, longer side of the picture being worked on.
        loss: of that scale, before the iteration's step.
        seconds: since the start.
        seconds_left: at most, guessed from the iterations so far.
        picture: 1×3×h×w in [-1, 1], the picture so far.
    """

    iteration: int
    iterations: int
    side: int
    loss: float
    seconds: float
    seconds_left: float
    picture: torch.Tensor

    @property
    def preview(self) -> Image.Image:
        """The picture so far."""
        return to_pil(self.picture)[0]


# Told after every iteration; False as the answer stops the work and keeps the picture.
OnStep = Callable[[Progress], bool | None]


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
            settings: see `FAST` and `FAITHFUL`.
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
        clock = _Clock(settings, content.size, on_step)
        device = self.network.device
        page = picture = None
        for scale in settings.scales:
            size, coarse = _size(content.size, scale.side), page
            page = _tensor(content, size).to(device)
            loss = _Loss(self.network, page, self._wanted(styles, total, size, settings), settings)
            if picture is not None:
                # What was changed grows, not the picture: the content keeps its fine detail.
                change = F.interpolate(picture - coarse, page.shape[2:], mode="bicubic")
                picture = (page + change).clamp(-1.0, 1.0)
            elif settings.start == "noise":
                noise = torch.Generator().manual_seed(seed)
                picture = torch.rand(page.shape, generator=noise).to(device) * 2.0 - 1.0
            else:
                picture = page
            picture, go_on = _optimise(picture, loss, scale, settings, clock)
            if not go_on:
                break
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
        judge = _Loss(self.network, page, self._wanted(styles, total, size, settings), settings)
        return float(judge(painted))

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


class _Loss:
    """Equation 7 for one size of the picture."""

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


class _Clock:
    """Counts iterations over all scales, guesses what is left, and asks whether to go on."""

    def __init__(
        self, settings: Settings, size: tuple[int, int], on_step: OnStep | None
    ) -> None:
        self.on_step = on_step
        self.iterations = sum(scale.iterations for scale in settings.scales)
        # An iteration costs what its picture has in pixels.
        self.work = sum(scale.iterations * scale.side**2 for scale in settings.scales)
        self.started = time.perf_counter()
        self.iteration = self.done = self.skipped = 0

    def tick(self, scale: Scale, loss: float, picture: torch.Tensor) -> bool:
        """One iteration is over; False means stop."""
        self.iteration += 1
        self.done += scale.side**2
        seconds = time.perf_counter() - self.started
        left = seconds * (self.work - self.skipped - self.done) / self.done
        if self.on_step is None:
            return True
        picture = picture.detach().clamp(-1.0, 1.0)
        told = Progress(
            self.iteration, self.iterations, scale.side, loss, seconds, max(0.0, left), picture
        )
        return self.on_step(told) is not False

    def skip(self, scale: Scale, iterations: int) -> None:
        """A scale ended early."""
        self.iteration += iterations
        self.skipped += iterations * scale.side**2


def _optimise(
    start: torch.Tensor, loss: _Loss, scale: Scale, settings: Settings, clock: _Clock
) -> tuple[torch.Tensor, bool]:
    """The picture after one scale, and whether to go on with the next."""
    levels = ((start + 1.0) / 2.0 * LEVELS).contiguous().clone().requires_grad_(True)
    if settings.optimizer == "lbfgs":
        # One evaluation an iteration, so that both optimisers pay the same for each.
        optimizer = torch.optim.LBFGS(
            [levels], lr=settings.learning_rate, max_iter=1, tolerance_grad=0, tolerance_change=0
        )
    else:
        optimizer = torch.optim.Adam([levels], lr=settings.learning_rate)
    losses: list[float] = []
    # L-BFGS gives up on gradients below a fixed size: here they begin at 1, whatever the loss is.
    gain = None

    def evaluate() -> torch.Tensor:
        nonlocal gain
        optimizer.zero_grad()
        page = levels / LEVELS * 2.0 - 1.0
        value = loss(page.contiguous(memory_format=torch.channels_last))
        value.backward()
        if gain is None:
            gain = 1.0 / levels.grad.abs().mean().clamp(min=1e-30)
        levels.grad.mul_(gain)
        losses.append(float(value.detach()))
        return value * gain

    go_on = True
    for iteration in range(scale.iterations):
        optimizer.step(evaluate)
        with torch.no_grad():
            levels.clamp_(0.0, LEVELS)
        go_on = clock.tick(scale, losses[-1], levels / LEVELS * 2.0 - 1.0)
        if not go_on:
            break
        if settings.plateau and _is_flat(losses, settings.plateau):
            clock.skip(scale, scale.iterations - iteration - 1)
            break
    return (levels.detach() / LEVELS * 2.0 - 1.0), go_on


def _is_flat(losses: list[float], plateau: float, span: int = 10) -> bool:
    return len(losses) > span and losses[-1] > (1.0 - plateau) * losses[-1 - span]


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
