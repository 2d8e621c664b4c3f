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

LEVELS = 255.0  # pixels are optimised from 0 to 255, which the published learning rate assumes
HISTORY = 20  # steps that L-BFGS stores; more use memory and did not lower the loss
DIVERGED = 1.3  # times the lowest loss so far
PATIENCE = 5  # consecutive iterations above that, after which the optimiser is restarted

# From a picture, 1×3×h×w in [-1, 1], to its loss.
Loss = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Progress:
    """The state of a style transfer after an iteration.

    Attributes:
        iteration, iterations: done and planned, over all scales; scales may end early.
        side: px, longer side of the picture at the current scale.
        loss: at that scale, of the picture before the iteration's step.
        seconds: since the start.
        seconds_left: upper estimate from the iterations so far.
        picture: 1×3×h×w, that with the lowest loss at the current scale; in [-1, 1] unless its
            pixels are unbounded.
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


# Called after every iteration; returning False ends the optimisation with the picture so far.
OnStep = Callable[[Progress], bool | None]


class Clock:
    """Counts iterations over all scales, estimates the time left, and calls ``on_step``.

    Args:
        settings: its scales are what there is to do.
        on_step: see :data:`OnStep`.
    """

    def __init__(self, settings: Settings, on_step: OnStep | None) -> None:
        self.on_step = on_step
        self.iterations = sum(scale.iterations for scale in settings.scales)
        # The cost of an iteration is proportional to the picture's pixels.
        self.work = sum(scale.iterations * scale.side**2 for scale in settings.scales)
        self.started = time.perf_counter()
        self.iteration = self.done = self.skipped = 0

    def tick(self, scale: Scale, loss: float, picture: torch.Tensor) -> bool:
        """Count one iteration and report it; returns whether to go on."""
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
        """Count the iterations that a scale did not need."""
        self.iteration += iterations
        self.skipped += iterations * scale.side**2


def _optimizer(levels: torch.Tensor, settings: Settings, rate: float) -> torch.optim.Optimizer:
    if settings.optimizer == "adam":
        return torch.optim.Adam([levels], lr=rate)
    # One evaluation per step, so that an iteration costs the same with both optimisers.
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
        loss: the function to minimise.
        scale: the maximum number of iterations.
        settings: optimiser, learning rate, plateau and bound.
        clock: called after every iteration, and may end the work.

    Returns:
        The picture with the lowest loss, its pixels brought into [-1, 1], and whether to go on with
        the next scale.
    """
    levels = ((start + 1.0) / 2.0 * LEVELS).contiguous().clone().requires_grad_(True)
    rate = settings.learning_rate
    optimizer = _optimizer(levels, settings, rate)
    best, least = levels.detach().clone(), math.inf
    losses: list[float] = []
    diverged = 0
    # L-BFGS stops at gradients below a fixed size, so they are scaled to a mean of 1 at the start.
    gain: torch.Tensor | None = None

    def evaluate() -> Any:
        nonlocal gain
        optimizer.zero_grad()
        picture = levels / LEVELS * 2.0 - 1.0
        value = loss(picture.contiguous(memory_format=torch.channels_last))
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
        evaluated = levels.detach().clone()
        optimizer.step(evaluate)
        if losses[-1] < least:
            best, least = evaluated, losses[-1]
        if settings.bounded:
            with torch.no_grad():
                levels.clamp_(0.0, LEVELS)
        # Clamping invalidates the curvature that L-BFGS has estimated. It mostly recovers, but from
        # noise it can diverge; then it is restarted from the best picture at half the rate.
        diverged = 0 if losses[-1] <= DIVERGED * least else diverged + 1
        if diverged == PATIENCE:
            levels.data.copy_(best)
            diverged, rate = 0, rate / 2.0
            optimizer = _optimizer(levels, settings, rate)
        go_on = clock.tick(scale, losses[-1], best / LEVELS * 2.0 - 1.0)
        if not go_on:
            break
        if settings.plateau and _is_flat(losses, settings.plateau):
            clock.skip(scale, scale.iterations - iteration - 1)
            break
    return best.clamp(0.0, LEVELS) / LEVELS * 2.0 - 1.0, go_on


def _is_flat(losses: list[float], plateau: float, span: int = 10) -> bool:
    """Whether the last ``span`` iterations lowered the lowest loss by less than ``plateau``.

    The lowest loss counts, because that of L-BFGS fluctuates.
    """
    return len(losses) > span and min(losses) > (1.0 - plateau) * min(losses[:-span])
