"""The optimisers of a style transfer, and the progress that they report.

Both keep every pixel from 0 to 255. Adam is clamped after its steps. L-BFGS must not be: a clamp
that it does not know of falsifies the curvature that it estimates, and it stalls above Adam, unlike
in Grover & Banker (figures 22 and 23). So it leaves pixels that are held by a bound out of its
steps, and measures the steps that are left after the projection onto the bounds. The losses after
1000 iterations are in docs/measuring.md.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from ..images import to_pil
from .settings import Scale, Settings

__all__ = ["Clock", "OnStep", "Progress", "optimise"]

LEVELS = 255.0  # pixels are optimised from 0 to 255, which the published learning rate assumes
HISTORY = 20  # steps that L-BFGS stores
HALVINGS = 12  # of a step of L-BFGS that does not lower the loss
SUFFICIENT = 1e-4  # share of the expected fall of the loss that a step must bring (Armijo)
LEAST_CURVATURE = 1e-10  # along a step that L-BFGS stores, against that of the gradient's change
DIVERGED = 1.3  # times the lowest loss so far
PATIENCE = 5  # consecutive iterations above that, after which Adam is restarted

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
        picture: 1×3×h×w in [-1, 1], that with the lowest loss at the current scale.
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


class _Over(Exception):
    """Ends an optimiser: all iterations are done, or the loss is flat, or the work was stopped."""


class _Search:
    """Evaluates pictures of one scale, remembers the best, and says when it is over.

    Args:
        loss: the function to minimise.
        scale: the maximum number of iterations, each of which is one evaluation.
        settings: has the plateau.
        clock: called after every evaluation, and may end the work.

    Attributes:
        best: 1×3×h×w levels with the lowest loss.
        losses: of all pictures in their order.
        go_on: whether there is to be a next scale.
    """

    def __init__(self, loss: Loss, scale: Scale, settings: Settings, clock: Clock) -> None:
        self._loss, self._scale, self._settings, self._clock = loss, scale, settings, clock
        self._gain: torch.Tensor | None = None
        self.losses: list[float] = []
        self.least, self.go_on = math.inf, True
        self.best: torch.Tensor | None = None

    def evaluate(self, levels: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Loss and gradient for 1×3×h×w levels, times a factor by which the first gradient is 1.

        L-BFGS begins with a step of the gradient's size, and losses are of any size.

        Raises:
            _Over: this was the last evaluation.
        """
        levels = levels.detach().requires_grad_(True)
        picture = levels / LEVELS * 2.0 - 1.0
        value = self._loss(picture.contiguous(memory_format=torch.channels_last))
        (gradient,) = torch.autograd.grad(value, levels)
        if self._gain is None:
            self._gain = 1.0 / gradient.abs().mean().clamp(min=1e-30)
        loss = float(value.detach())
        self.losses.append(loss)
        if self.best is None or loss < self.least:
            self.best, self.least = levels.detach().clone(), loss
        self._tell(loss, self.best)
        return float(value.detach() * self._gain), gradient * self._gain

    def _tell(self, loss: float, best: torch.Tensor) -> None:
        self.go_on = self._clock.tick(self._scale, loss, _picture(best))
        if not self.go_on:
            raise _Over
        plateau = self._settings.plateau
        if len(self.losses) >= self._scale.iterations or plateau and _is_flat(self.losses, plateau):
            raise _Over

    def end(self) -> None:
        """Count the iterations that were not needed."""
        if self.go_on:
            self._clock.skip(self._scale, self._scale.iterations - len(self.losses))


def optimise(
    start: torch.Tensor, loss: Loss, scale: Scale, settings: Settings, clock: Clock
) -> tuple[torch.Tensor, bool]:
    """Lower the loss of a picture of one size.

    Args:
        start: 1×3×h×w in [-1, 1].
        loss: the function to minimise.
        scale: the maximum number of iterations.
        settings: optimiser, learning rate and plateau.
        clock: called after every iteration, and may end the work.

    Returns:
        The picture with the lowest loss, and whether to go on with the next scale.
    """
    levels = ((start + 1.0) / 2.0 * LEVELS).contiguous().clone()
    search = _Search(loss, scale, settings, clock)
    try:
        if settings.optimizer == "adam":
            _adam(levels, search, settings.learning_rate)
        else:
            _lbfgs(levels, search)
    except _Over:
        pass
    search.end()
    assert search.best is not None
    return _picture(search.best), search.go_on


def _lbfgs(levels: torch.Tensor, search: _Search) -> None:
    """Projected L-BFGS, until the search is over or no step lowers the loss.

    Pixels at a bound that the gradient pushes against stay there, and the others take the step of
    L-BFGS (Nocedal 1980) among themselves, projected onto the bounds (Bertsekas 1982). Nearly every
    step lowers the loss at once, so that an iteration costs the same as one of Adam.

    Raises:
        _Over: the search is over.
    """
    pairs: deque[tuple[torch.Tensor, torch.Tensor]] = deque(maxlen=HISTORY)
    value, gradient = search.evaluate(levels)
    while True:
        free = ~((levels <= 0.0) & (gradient > 0.0) | (levels >= LEVELS) & (gradient < 0.0))
        direction = _direction(pairs, gradient * free, free)
        for halving in range(HALVINGS):
            trial = (levels + direction * 0.5**halving).clamp(0.0, LEVELS)
            expected = float(((trial - levels) * gradient).sum())
            if expected >= 0.0:  # not downhill
                break
            new_value, new_gradient = search.evaluate(trial)
            if new_value <= value + SUFFICIENT * expected:
                pairs.append((trial - levels, new_gradient - gradient))
                levels, value, gradient = trial, new_value, new_gradient
                break
        else:
            expected = 0.0
        if expected >= 0.0:
            if not pairs:
                return
            pairs.clear()


def _direction(
    pairs: Sequence[tuple[torch.Tensor, torch.Tensor]], gradient: torch.Tensor, free: torch.Tensor
) -> torch.Tensor:
    """The step of L-BFGS among the free pixels: minus inverse curvature times gradient.

    Args:
        pairs: steps and the changes of the gradient that came of them, the oldest first.
        gradient: 0 where a pixel is not free.
        free: mask of the same shape.
    """
    used = []
    for step, change in pairs:
        step, change = step * free, change * free
        product = (step * change).sum()
        if product > LEAST_CURVATURE * change.square().sum():
            used.append((step, change, product))
    direction, shares = -gradient, []
    for step, change, product in reversed(used):
        shares.append((step * direction).sum() / product)
        direction = direction - shares[-1] * change
    if used:
        _, change, product = used[-1]
        direction = direction * (product / change.square().sum())
    for (step, change, product), share in zip(used, reversed(shares), strict=True):
        direction = direction + (share - (change * direction).sum() / product) * step
    return direction


def _adam(levels: torch.Tensor, search: _Search, rate: float) -> None:
    """Adam with a clamp after every step; where it diverges, again from the best at half the rate.

    Raises:
        _Over: always, in the end.
    """
    optimizer = torch.optim.Adam([levels], lr=rate)
    diverged = 0
    while True:
        levels.grad = search.evaluate(levels)[1]
        optimizer.step()
        levels.clamp_(0.0, LEVELS)
        diverged = 0 if search.losses[-1] <= DIVERGED * search.least else diverged + 1
        if diverged == PATIENCE:
            assert search.best is not None
            levels.copy_(search.best)
            diverged, rate = 0, rate / 2.0
            optimizer = torch.optim.Adam([levels], lr=rate)


def _picture(levels: torch.Tensor) -> torch.Tensor:
    """Levels of 0 to 255 as a picture in [-1, 1]."""
    return levels / LEVELS * 2.0 - 1.0


def _is_flat(losses: list[float], plateau: float, span: int = 10) -> bool:
    """Whether the last ``span`` iterations lowered the lowest loss by less than ``plateau``.

    The lowest loss counts, because the losses of an optimiser's trials fluctuate.
    """
    return len(losses) > span and min(losses) > (1.0 - plateau) * min(losses[:-span])
