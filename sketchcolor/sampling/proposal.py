"""How a proposal is drawn: from noise to colours along the proposer's flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from diffusers import SchedulerMixin

from ..conditions.hint_field import influence
from ..kept import Kept
from ..models.proposer import ColorProposer
from .noise import starting_noise
from .noise_selection import STARTS, promising
from .seeds import Generators

__all__ = ["DEFAULT_STEPS", "FreeColourings", "KEPT", "Proposal", "draw_proposal"]

DEFAULT_STEPS = 5
GUIDED = 0.7  # of the way is left, before times are shifted, where guidance ends
CALM = 0.75  # share of the noise that is taken away where a hint speaks: less is left to chance
MOST = (0.65, 0.92)  # of a page, reached by hints: from here the rest follows, up to wholly there
KEPT = 4  # colourings without hints: strokes come and go over one and the same

FreeColourings = Kept[tuple[torch.Tensor, torch.Tensor]]  # noise and colours


class Proposal(NamedTuple):
    """Both B×3×h×w in [-1, 1]; one and the same without hints."""

    colors: torch.Tensor
    unhinted: torch.Tensor  # what would have been proposed without hints


def draw_proposal(
    proposer: ColorProposer,
    scheduler: SchedulerMixin,
    sketch: torch.Tensor,
    hints: torch.Tensor | None = None,
    palette: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
    guessed: bool = False,
    generator: Generators = None,
    num_inference_steps: int = DEFAULT_STEPS,
    noise_scale: float = 1.0,
    guidance_scale: float = 1.0,
    on_step: Callable[[], None] = lambda: None,
    known: FreeColourings | None = None,
) -> Proposal:
    """Sample one colouring per sketch.

    A flow decides about the whole picture at once: one stroke on the hair can turn the skirt
    green. So with hints the colouring is drawn twice from the same noise, without and with them,
    and the second, with less left to chance, is seen only where a hint's confidence reaches;
    once hints reach most of a page, beyond that, too. That adds one more pass per step.

    Args:
        sketch: B×1×H×W in [-1, 1], sides multiples of ``proposer.multiple · sketch_scale``.
        hints: B×4×(H/s)×(W/s) hint field, see ``hint_field``. palette: B×K×3. weights: B×K.
        guessed: nobody asked for the palette: it is not told where hints are, and of several noises
            the most promising one is taken, see :func:`starts.promising`.
        generator: of the starting noise, one for the batch or one per picture.
        noise_scale: times the starting noise.
        guidance_scale: above 1, the first steps go further away from what the proposer would draw
            on an unknown sketch (Ho & Salimans 2022), at twice the cost. Later ones gain nothing
            by it (Kynkäänniemi et al. 2024).
        on_step: called after every step of the last drawing.
        known: where to look for the colouring without hints, and to keep it.

    Returns:
        The colours at (H/s)×(W/s).
    """
    factor, count = proposer.config.sketch_scale, STARTS if guessed else 1
    noises = [noise_scale * starting_noise(sketch, factor, generator) for _ in range(count)]
    hinted = hints is not None and bool(hints[:, 3].any())
    steps = num_inference_steps
    unasked = (sketch, None, palette, weights)

    def draw_free() -> tuple[torch.Tensor, torch.Tensor]:
        last = (lambda: None) if hinted else on_step
        return _flow(proposer, scheduler, noises, unasked, steps, guidance_scale, last)

    known = FreeColourings(KEPT) if known is None else known
    given = (*noises, *unasked, steps, guidance_scale)
    noise, free = known.recall(draw_free, [proposer], *given)
    free = free.clone()
    if not hinted:
        return Proposal(free, free)
    seen = _with_the_rest(influence(hints))
    calmed = (1.0 - CALM * seen) * noise
    conditions = (sketch, hints, None, None) if guessed else (sketch, hints, palette, weights)
    # Less is open, so one step fewer does, and every stroke is waited for.
    _, asked = _flow(proposer, scheduler, [calmed], conditions, max(1, steps - 1), on_step=on_step)
    return Proposal(free + seen * (asked - free), free)


def _with_the_rest(seen: torch.Tensor) -> torch.Tensor:
    """Where hints speak, B×1×h×w in [0, 1]; next to all of them, chance would only contradict."""
    low, high = MOST
    reached = seen.mean(dim=(1, 2, 3), keepdim=True)
    rest = ((reached - low) / (high - low)).clamp(0.0, 1.0)
    return seen + rest * (1.0 - seen)


def _flow(
    proposer: ColorProposer,
    scheduler: SchedulerMixin,
    noises: list[torch.Tensor],
    conditions: tuple[torch.Tensor | None, ...],
    steps: int,
    guidance_scale: float = 1.0,
    on_step: Callable[[], None] = lambda: None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """From noise to colours; ``conditions`` are sketch, hints, palette and weights.

    Of several noises all are looked at, and the most promising one is gone on from: that look is
    the known half of its first step.

    Returns:
        The noise that was taken, and the colours.
    """
    sketch, count = conditions[0], len(noises[0])
    ways, guided = _even_times(steps), guidance_scale != 1.0
    lines = _read(proposer, sketch, guided)
    alone, blank = [read[:count] for read in lines], [read[count:] for read in lines]
    if guided:
        unknown = (torch.zeros_like(sketch), *conditions[1:])
        both = zip(conditions, unknown, strict=True)
        pairs = [None if pair[0] is None else torch.cat(pair) for pair in both]
    scheduler.set_timesteps(sigmas=ways)
    start, first = _first_look(proposer, scheduler.timesteps[0], noises, conditions, alone)
    state, before = start, None
    for step, (way, timestep) in enumerate(zip(ways, scheduler.timesteps, strict=True)):
        times = timestep.to(sketch.device).expand(count)
        leads = guided and way > GUIDED
        if step == 0 and first is not None:
            seen = first
            blind = proposer(state, times, *unknown, lines=blank).float() if leads else None
        elif leads:  # in one batch: small networks are slow one picture at a time
            states, times = torch.cat([state, state]), torch.cat([times, times])
            seen, blind = proposer(states, times, *pairs, lines=lines).float().chunk(2)
        else:
            seen, blind = proposer(state, times, *conditions, lines=alone).float(), None
        velocity = seen if blind is None else blind + guidance_scale * (seen - blind)
        leaning = _lean(velocity, before, scheduler.sigmas[step - 1 : step + 2])
        state = scheduler.step(leaning, timestep, state, return_dict=False)[0]
        before = velocity
        on_step()
    return start, state.clamp(-1.0, 1.0)


def _first_look(
    proposer: ColorProposer,
    timestep: torch.Tensor,
    noises: list[torch.Tensor],
    conditions: tuple[torch.Tensor | None, ...],
    lines: list[torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The noise to go on from and, if there was a choice, where it leads; both B×3×h×w."""
    if len(noises) == 1:
        return noises[0], None
    every = [None if c is None else torch.cat([c] * len(noises)) for c in conditions]
    read = [torch.cat([part] * len(noises)) for part in lines]
    times = timestep.to(every[0].device).expand(len(every[0]))
    velocities = proposer(torch.cat(noises), times, *every, lines=read).float().chunk(len(noises))
    looks = [noise - velocity for noise, velocity in zip(noises, velocities, strict=True)]
    best = promising(looks, *conditions[2:])
    return tuple(
        torch.stack([given[which][picture] for picture, which in enumerate(best)])
        for given in (noises, velocities)
    )


def _lean(velocity: torch.Tensor, before: torch.Tensor | None, times: torch.Tensor) -> torch.Tensor:
    """The velocity halfway through a step, as it and the one before it foretell it.

    Euler's steps become those of Adams and Bashforth's second order, for no further look at the
    picture. The first step has nothing to lean on, and the last one, the longest, would lean too
    far: it goes straight to the colours that the network names.

    Args:
        velocity, before: of this step and the last one.
        times: where the last step began, where this one does, and where it ends.
    """
    if before is None or times[2] == 0.0:
        return velocity
    last, this = times[1] - times[0], times[2] - times[1]
    return velocity + this / (2.0 * last) * (velocity - before)


def _even_times(steps: int) -> list[float]:
    """Where a flow is looked at on its way from noise (1) to colours (0), before times are shifted.

    Nearly at its end there is nothing left to see, though schedulers place their last step there.
    """
    return [1.0 - step / steps for step in range(steps)]


def _read(proposer: ColorProposer, sketch: torch.Tensor, guided: bool) -> list[torch.Tensor]:
    """The lines of each sketch and, guided, of as many unknown ones; what is alike is read once."""
    count = len(sketch)
    distinct = sketch[:1] if bool((sketch[1:] == sketch[:1]).all()) else sketch
    if not guided:
        return [read.expand(count, -1, -1, -1) for read in proposer.read(distinct)]
    reads = proposer.read(torch.cat([distinct, torch.zeros_like(sketch[:1])]))
    return [
        torch.cat([part.expand(count, -1, -1, -1) for part in (read[:-1], read[-1:])])
        for read in reads
    ]
