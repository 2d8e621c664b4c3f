"""Draws proposals: colourings at low resolution, without hints and then with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from diffusers import SchedulerMixin

from ..cache import ResultCache
from ..conditions import Conditions
from ..conditions.hint_field import influence
from ..models.proposer import ColorProposer
from .flow import sample_flow
from .noise import starting_noise
from .noise_selection import CANDIDATES
from .seeds import Generators

__all__ = ["DEFAULT_STEPS", "Proposal", "UnhintedCache", "draw_proposal"]

DEFAULT_STEPS = 5
HINTED_NOISE = 0.25  # share of the noise that stays where a hint reaches: less is left to chance
# From 65 to 92 % of the page reached by hints, the hinted sample fades in everywhere.
HINTED_SHARE = (0.65, 0.92)

UnhintedCache = ResultCache[tuple[torch.Tensor, torch.Tensor]]  # noise and colours


class Proposal(NamedTuple):
    """Both B×3×h×w in [-1, 1]; one and the same without hints."""

    colors: torch.Tensor
    unhinted: torch.Tensor  # what would have been proposed without hints


def draw_proposal(
    proposer: ColorProposer,
    scheduler: SchedulerMixin,
    conditions: Conditions,
    generator: Generators = None,
    num_inference_steps: int = DEFAULT_STEPS,
    noise_scale: float = 1.0,
    guidance_scale: float = 1.0,
    on_step: Callable[[], None] = lambda: None,
    cache: UnhintedCache | None = None,
) -> Proposal:
    """Sample one colouring per sketch.

    A flow decides about the whole picture at once: one stroke on the hair can turn the skirt
    green. So with hints the colouring is drawn twice from the same noise, without and with them,
    and the second, with less noise, is seen only where a hint's confidence reaches; once hints
    reach most of a page, beyond that, too. That adds one more evaluation per step.

    Args:
        conditions: sketch B×1×H×W with sides that are multiples of ``proposer.multiple ·
            sketch_scale``; ``hints`` is a hint field B×4×(H/s)×(W/s), see ``hint_field``. A
            palette that is a guess is left out where hints are drawn, and of several noises the
            one with most skin is taken, see :func:`noise_selection.select_noise`.
        generator: of the starting noise, one for the batch or one per picture.
        noise_scale: times the starting noise.
        guidance_scale: see :func:`flow.sample_flow`.
        on_step: called after every step of the last drawing.
        cache: keeps colourings without hints, over which strokes come and go.

    Returns:
        The colours at (H/s)×(W/s).
    """
    factor = proposer.config.sketch_scale
    count = CANDIDATES if conditions.palette_is_guess else 1
    noises = [
        noise_scale * starting_noise(conditions.sketch, factor, generator) for _ in range(count)
    ]
    hints, steps = conditions.hints, num_inference_steps
    if hints is not None and not bool(hints[:, 3].any()):
        hints = None
    unhinted = conditions.without_hints()

    def draw_unhinted() -> tuple[torch.Tensor, torch.Tensor]:
        last = (lambda: None) if hints is not None else on_step
        return sample_flow(proposer, scheduler, noises, unhinted, steps, guidance_scale, last)

    cache = UnhintedCache() if cache is None else cache
    inputs = [*noises, *unhinted.arguments().values(), steps, guidance_scale]
    noise, free = cache.get_or_compute(draw_unhinted, [proposer], *inputs)
    free = free.clone()
    if hints is None:
        return Proposal(free, free)
    reach = _with_the_rest(influence(hints))
    calmed = (1.0 - (1.0 - HINTED_NOISE) * reach) * noise
    hinted = conditions.without_palette() if conditions.palette_is_guess else conditions
    hinted = replace(hinted, palette_is_guess=False)
    # Less is open, so one step fewer does, and every stroke is waited for.
    steps = max(1, steps - 1)
    _, asked = sample_flow(proposer, scheduler, [calmed], hinted, steps, on_step=on_step)
    return Proposal(free + reach * (asked - free), free)


def _with_the_rest(reach: torch.Tensor) -> torch.Tensor:
    """B×1×h×w in [0, 1], how far hints reach, raised everywhere where they reach most of a page.

    What little they do not reach would otherwise be left to chance and contradict them.
    """
    low, high = HINTED_SHARE
    share = reach.mean(dim=(1, 2, 3), keepdim=True)
    rest = ((share - low) / (high - low)).clamp(0.0, 1.0)
    return reach + rest * (1.0 - reach)
