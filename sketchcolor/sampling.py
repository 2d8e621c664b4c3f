"""How a proposal is drawn: from noise to colours along the proposer's flow."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import torch
from diffusers import SchedulerMixin

from .conditions.hint_field import influence
from .models.proposer import ColorProposer
from .noise import starting_noise
from .seeds import Generators

__all__ = ["DEFAULT_STEPS", "FreeColourings", "Proposal", "draw_proposal"]

DEFAULT_STEPS = 4
CALM = 0.5  # share of the noise that is taken away where a hint speaks: less is left to chance
KEPT = 4  # colourings without hints


class Proposal(NamedTuple):
    """Both B×3×h×w in [-1, 1]; one and the same without hints."""

    colors: torch.Tensor
    unhinted: torch.Tensor  # what would have been proposed without hints


class FreeColourings:
    """The last few colourings drawn without hints: strokes come and go over one and the same."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()

    def recall(
        self, draw: Callable[[], torch.Tensor], proposer: ColorProposer, *given: object
    ) -> torch.Tensor:
        """What ``draw`` drew when it last was given the same, or draws now."""
        weights = (w for w in proposer.parameters() if not w.is_inference())  # those never change
        network = (id(proposer), str(proposer.device), *(weight._version for weight in weights))
        digest = hashlib.sha256(repr(network).encode())
        for value in given:
            tensor = isinstance(value, torch.Tensor)
            digest.update(value.float().cpu().numpy().tobytes() if tensor else repr(value).encode())
        key = digest.hexdigest()
        if key not in self._kept:
            self._kept[key] = draw()
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


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
    and the second, with less left to chance, is seen only where a hint's confidence reaches.
    That adds one more pass per step.

    Args:
        sketch: B×1×H×W in [-1, 1], sides multiples of ``proposer.multiple · sketch_scale``.
        hints: B×4×(H/s)×(W/s) hint field, see ``hint_field``. palette: B×K×3. weights: B×K.
        guessed: nobody asked for the palette: it is not told where hints are.
        generator: of the starting noise, one for the batch or one per picture.
        noise_scale: times the starting noise.
        guidance_scale: above 1, every step goes further away from what the proposer would draw
            on an unknown sketch (Ho & Salimans 2022), at twice the cost.
        on_step: called after every step of the last drawing.
        known: where to look for the colouring without hints, and to keep it.

    Returns:
        The colours at (H/s)×(W/s).
    """
    noise = noise_scale * starting_noise(sketch, proposer.config.sketch_scale, generator)
    hinted = hints is not None and bool(hints[:, 3].any())
    steps = num_inference_steps
    unasked = (sketch, None, palette, weights)

    def draw_free() -> torch.Tensor:
        last = (lambda: None) if hinted else on_step
        return _flow(proposer, scheduler, noise, unasked, steps, guidance_scale, last)

    known = FreeColourings() if known is None else known
    free = known.recall(draw_free, proposer, noise, *unasked, steps, guidance_scale).clone()
    if not hinted:
        return Proposal(free, free)
    seen = influence(hints)
    calmed = (1.0 - CALM * seen) * noise
    conditions = (sketch, hints, None, None) if guessed else (sketch, hints, palette, weights)
    asked = _flow(proposer, scheduler, calmed, conditions, steps, on_step=on_step)
    return Proposal(free + seen * (asked - free), free)


def _flow(
    proposer: ColorProposer,
    scheduler: SchedulerMixin,
    state: torch.Tensor,
    conditions: tuple[torch.Tensor | None, ...],
    steps: int,
    guidance_scale: float = 1.0,
    on_step: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """From noise to colours; ``conditions`` are sketch, hints, palette and weights."""
    sketch = conditions[0]
    guided = guidance_scale != 1.0
    if guided:  # both in one batch: small networks are slow one picture at a time
        conditions = tuple(None if c is None else torch.cat([c, c]) for c in conditions)
        conditions[0][sketch.shape[0] :] = 0.0
    lines = _read(proposer, sketch, guided)
    scheduler.set_timesteps(sigmas=_even_times(steps))
    for timestep in scheduler.timesteps:
        states = torch.cat([state, state]) if guided else state
        times = timestep.to(sketch.device).expand(len(states))
        velocity = proposer(states, times, *conditions, lines=lines)
        if guided:
            velocity, blind = velocity.chunk(2)
            velocity = blind + guidance_scale * (velocity - blind)
        state = scheduler.step(velocity.float(), timestep, state, return_dict=False)[0]
        on_step()
    return state.clamp(-1.0, 1.0)


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
