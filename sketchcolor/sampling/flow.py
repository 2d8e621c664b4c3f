"""Integrates the proposer's flow from noise (sigma 1) to colours (sigma 0)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from diffusers import SchedulerMixin

from ..conditions import Conditions
from ..models.proposer import ColorProposer
from .noise_selection import select_noise

__all__ = ["adams_bashforth2", "sample_flow"]

GUIDANCE_ENDS = 0.7  # sigma, before the scheduler's time shift, from which guidance gains nothing


def sample_flow(
    proposer: ColorProposer,
    scheduler: SchedulerMixin,
    noises: list[torch.Tensor],
    conditions: Conditions,
    num_inference_steps: int,
    guidance_scale: float = 1.0,
    on_step: Callable[[], None] = lambda: None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sample one colouring per sketch.

    Args:
        noises: candidates, B×3×h×w each. Of several, where there is a palette, each picture takes
            one by :func:`select_noise`; the prediction that this looks at is the cond half of the
            first step, so a choice between two costs one evaluation.
        conditions: ``hints`` is a hint field at h×w.
        guidance_scale: above 1, steps with sigma above ``GUIDANCE_ENDS`` are extrapolated away
            from the velocity for an unknown sketch (classifier-free guidance, Ho & Salimans 2022),
            at twice the cost. Later steps gain nothing by it (Kynkäänniemi et al. 2024).
        on_step: called after every step.

    Returns:
        The noises that were taken and the colours in [-1, 1], both B×3×h×w.
    """
    count, device = len(conditions), conditions.sketch.device
    guided = guidance_scale != 1.0
    sigmas = _sigmas(num_inference_steps)
    lines = _encode_lines(proposer, conditions.sketch, guided)
    cond_lines = [features[:count] for features in lines]
    uncond_lines = [features[count:] for features in lines]
    cond = conditions.arguments()
    uncond = replace(conditions, sketch=torch.zeros_like(conditions.sketch)).arguments()
    both = {name: torch.cat([cond[name], uncond[name]]) for name in cond} if guided else {}
    scheduler.set_timesteps(sigmas=sigmas)
    noise, first = _choose_noise(proposer, scheduler.timesteps[0], noises, conditions, cond_lines)
    sample, previous = noise, None
    for step, (sigma, timestep) in enumerate(zip(sigmas, scheduler.timesteps, strict=True)):
        times = timestep.to(device).expand(count)
        guides = guided and sigma > GUIDANCE_ENDS
        uncond_velocity = None
        if step == 0 and first is not None:
            velocity = first
            if guides:
                uncond_velocity = proposer(sample, times, **uncond, lines=uncond_lines).float()
        elif guides:  # in one batch: small networks are slow one picture at a time
            doubled = torch.cat([sample, sample]), torch.cat([times, times])
            velocity, uncond_velocity = proposer(*doubled, **both, lines=lines).float().chunk(2)
        else:
            velocity = proposer(sample, times, **cond, lines=cond_lines).float()
        if uncond_velocity is not None:
            velocity = uncond_velocity + guidance_scale * (velocity - uncond_velocity)
        at_middle = adams_bashforth2(velocity, previous, scheduler.sigmas[step - 1 : step + 2])
        sample = scheduler.step(at_middle, timestep, sample, return_dict=False)[0]
        previous = velocity
        on_step()
    return noise, sample.clamp(-1.0, 1.0)


def adams_bashforth2(
    velocity: torch.Tensor, previous: torch.Tensor | None, sigmas: torch.Tensor
) -> torch.Tensor:
    """The velocity at the middle of a step, extrapolated from this one and the one before it.

    Euler's steps become Adams and Bashforth's of second order, at no further evaluation. The first
    step has no velocity before it. The last one, the longest, would be extrapolated too far: it
    goes straight to the colours that the network predicts.

    Args:
        velocity, previous: at the beginning of this step and of the last one.
        sigmas: where the last step began, where this one begins, and where it ends.
    """
    if previous is None or sigmas[2] == 0.0:
        return velocity
    last_step, this_step = sigmas[1] - sigmas[0], sigmas[2] - sigmas[1]
    return velocity + this_step / (2.0 * last_step) * (velocity - previous)


def _sigmas(steps: int) -> list[float]:
    """Sigmas at which the flow is evaluated, evenly from 1 on, before the scheduler's time shift.

    The last step goes from 1/steps to 0. Schedulers place another evaluation close to 0, where
    nothing is left to decide.
    """
    return [1.0 - step / steps for step in range(steps)]


def _choose_noise(
    proposer: ColorProposer,
    timestep: torch.Tensor,
    noises: list[torch.Tensor],
    conditions: Conditions,
    lines: list[torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The noise of each picture and, if there was a choice, its first velocity; both B×3×h×w."""
    palette = conditions.given_palette()
    if len(noises) == 1 or palette is None:
        return noises[0], None
    repeated = {n: torch.cat([t] * len(noises)) for n, t in conditions.arguments().items()}
    repeated_lines = [torch.cat([features] * len(noises)) for features in lines]
    times = timestep.to(noises[0].device).expand(len(repeated["sketch"]))
    velocity = proposer(torch.cat(noises), times, **repeated, lines=repeated_lines)
    velocities = velocity.float().chunk(len(noises))
    x0_predictions = [noise - velocity for noise, velocity in zip(noises, velocities, strict=True)]
    chosen = select_noise(x0_predictions, *palette)
    noise, first = (
        torch.stack([given[which][picture] for picture, which in enumerate(chosen)])
        for given in (noises, velocities)
    )
    return noise, first


def _encode_lines(
    proposer: ColorProposer, sketch: torch.Tensor, guided: bool
) -> list[torch.Tensor]:
    """Line features of B sketches and, guided, of as many unknown ones after them.

    Variants of one sketch are encoded once.
    """
    count = len(sketch)
    distinct = sketch[:1] if bool((sketch[1:] == sketch[:1]).all()) else sketch
    if not guided:
        encoded = proposer.encode_lines(distinct)
        return [features.expand(count, -1, -1, -1) for features in encoded]
    encoded = proposer.encode_lines(torch.cat([distinct, torch.zeros_like(sketch[:1])]))
    return [
        torch.cat([part.expand(count, -1, -1, -1) for part in (features[:-1], features[-1:])])
        for features in encoded
    ]
