"""The optimisers of a style transfer, and the progress that they report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from ..images import to_pil
from .settings import Scale, Settings

__all__ = ["Clock", "OnStep", "Progress", "optimise"]

LEVELS = 255.0  # the optimisers see pixels from 0 to 255, as the published learning rate expects
HISTORY = 20  # steps that L-BFGS remembers; more cost memory and gain nothing
ASTRAY = 1.3  # times the least loss so far
PATIENCE = 5  # iterations beyond that, after which an optimiser begins again

# A page, 1×3×h×w in [-1, 1], to what it scores.
Loss = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Progress:
    """What is known after an iteration.

    Attributes:
        iteration, iterations: of all scales together; scales may end early.
        side: px, longer side of the picture being worked on.
        loss: of that scale, of the picture that the iteration looked at.
        seconds: since the start.
        seconds_left: at most, guessed from the iterations so far.
        picture: 1×3×h×w in [-1, 1], the best of that scale so far.
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


# Called after every iteration; False stops the work and keeps the picture.
OnStep = Callable[[Progress], bool | None]


class Clock:
    """Counts iterations over all scales, guesses what is left, and asks whether to go on."""

    def __init__(self, settings: Settings, on_step: OnStep | None) -> None:
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
        progress = Progress(
            self.iteration, self.iterations, scale.side, loss, seconds, max(0.0, left), picture
        )
        return self.on_step(progress) is not False

    def skip(self, scale: Scale, iterations: int) -> None:
        """A scale ended early."""
        self.iteration += iterations
        self.skipped += iterations * scale.side**2


def _optimizer(levels: torch.Tensor, settings: Settings, rate: float) -> torch.optim.Optimizer:
    if settings.optimizer == "adam":
        return torch.optim.Adam([levels], lr=rate)
    # One evaluation an iteration, so that both optimisers pay the same for each.
    return torch.optim.LBFGS(
        [levels],
        lr=rate,
        max_iter=1,
        history_size=HISTORY,
        tolerance_grad=0,
        tolerance_change=0,
    )


def optimise(
    start: torch.Tensor, loss: Loss, scale: Scale, settings: Settings, clock: Clock
) -> tuple[torch.Tensor, bool]:
    """Lower the loss of a picture of one size.

    Args:
        start: 1×3×h×w in [-1, 1].
        loss: of such a picture.
        scale: how many iterations at most.
        settings: optimiser, learning rate and plateau.
        clock: called after every iteration, and may end the work.

    Returns:
        The best picture that was seen, and whether to go on with the next scale.
    """
    levels = ((start + 1.0) / 2.0 * LEVELS).contiguous().clone().requires_grad_(True)
    rate = settings.learning_rate
    optimizer = _optimizer(levels, settings, rate)
    best, least = levels.detach().clone(), math.inf
    losses: list[float] = []
    astray = 0
    # L-BFGS gives up on gradients below a fixed size: here they begin at 1, whatever the loss is.
    gain: torch.Tensor | None = None

    def evaluate() -> Any:
        nonlocal gain
        optimizer.zero_grad()
        page = levels / LEVELS * 2.0 - 1.0
        value = loss(page.contiguous(memory_format=torch.channels_last))
        value.backward()
        gradient = levels.grad
        assert gradient is not None
        if gain is None:
            gain = 1.0 / gradient.abs().mean().clamp(min=1e-30)
        gradient.mul_(gain)
        losses.append(float(value.detach()))
        return value * gain

    go_on = True
    for iteration in range(scale.iterations):
        seen = levels.detach().clone()
        optimizer.step(evaluate)
        if losses[-1] < least:
            best, least = seen, losses[-1]
        with torch.no_grad():
            levels.clamp_(0.0, LEVELS)
        # Cutting levels off belies what L-BFGS has learnt of the loss. It mostly recovers, but
        # from noise it can throw the picture away for good.
        astray = 0 if losses[-1] <= ASTRAY * least else astray + 1
        if astray == PATIENCE:
            levels.data.copy_(best)
            astray, rate = 0, rate / 2.0
            optimizer = _optimizer(levels, settings, rate)
        go_on = clock.tick(scale, losses[-1], best / LEVELS * 2.0 - 1.0)
        if not go_on:
            break
        if settings.plateau and _is_flat(losses, settings.plateau):
            clock.skip(scale, scale.iterations - iteration - 1)
            break
    return best / LEVELS * 2.0 - 1.0, go_on


def _is_flat(losses: list[float], plateau: float, span: int = 10) -> bool:
    """Whether the last iterations found little better: the best counts, because L-BFGS jumps."""
    return len(losses) > span and min(losses) > (1.0 - plateau) * min(losses[:-span])
