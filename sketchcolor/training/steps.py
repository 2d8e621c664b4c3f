"""One training step of each objective: losses, backward passes and updates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from accelerate import Accelerator

from ..conditions import hints
from ..conditions.hint_field import hint_field
from ..models import style_vector as style
from ..models.outputs import GeneratorOutput
from ..models.part_colours import to_flow
from ..models.parts import CELL, read_features
from ..models.proposer import ColorProposer
from ..models.vgg19 import VGG19Features
from .losses import (
    PerceptualLoss,
    discriminator_loss,
    flow_loss,
    generator_loss,
    guide_loss,
    total_variation,
)
from .part_loss import draw_cells, hint_map, jitter_hints, part_loss, white_loss
from .provenance import DISCRIMINATOR, PROPOSER
from .recipes import Recipe

PROPOSAL_SCALE = 4  # line-art pixels per proposal pixel along a side
# The same as a refiner meets it at working resolutions of one, two and four times the proposer's.
REFINED_SCALES = (PROPOSAL_SCALE, 8, 8, 16)
MAX_PROPOSAL_NOISE = 0.35  # standard deviation of noise on simulated proposals in [-1, 1]

__all__ = [
    "ColourStep",
    "FlowStep",
    "OptimizedModel",
    "PartStep",
    "TokenStep",
    "TrainingStep",
    "degraded_truth",
]


@dataclass
class OptimizedModel:
    """A network with its optimiser and learning-rate schedule, prepared by Accelerate."""

    model: Any  # a network, or what Accelerate wraps it in
    optimizer: torch.optim.Optimizer
    scheduler: Any

    def minimize(self, accelerator: Accelerator, loss: torch.Tensor, max_norm: float) -> None:
        """Backward pass of a loss, and :meth:`update`."""
        accelerator.backward(loss)
        self.update(accelerator, max_norm)

    def update(self, accelerator: Accelerator, max_norm: float) -> None:
        """Gradient clipping and one update, after a backward pass."""
        if accelerator.sync_gradients and max_norm > 0:
            accelerator.clip_grad_norm_(self.model.parameters(), max_norm)
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad()


class TrainingStep(Protocol):
    """What the trainer needs of a step.

    Attributes:
        models: all that are trained; the first is the one that the run is for.
        saved_beside: those that are saved beside it, by folder name.
    """

    models: list[OptimizedModel]
    saved_beside: dict[str, OptimizedModel]

    def __call__(
        self, batch: dict[str, torch.Tensor], generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        """One optimisation step; returns losses by name."""
        ...


class FlowStep:
    """Conditional flow matching (Lipman et al. 2023) of the small colour picture."""

    def __init__(self, recipe: Recipe, accelerator: Accelerator, proposer: OptimizedModel) -> None:
        self.recipe, self.accelerator, self.proposer = recipe, accelerator, proposer
        self.models: list[OptimizedModel] = [proposer]
        self.saved_beside: dict[str, OptimizedModel] = {}

    def __call__(
        self, batch: dict[str, torch.Tensor], generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        with self.accelerator.accumulate(self.proposer.model):
            loss = self._flow(batch, generator)
            self.proposer.minimize(self.accelerator, loss, self.recipe.max_grad_norm)
        return {"flow": loss.detach()}

    def _flow(self, batch: dict[str, torch.Tensor], generator: torch.Generator) -> torch.Tensor:
        colour = batch["colour"]  # (B, 3, S/4, S/4)
        noise = _randn(colour.shape, generator, colour)
        # Sampling starts from pure noise, so times close to 1 must be frequent: with logit-normal
        # times, whose density vanishes there, the first step led to bad samples.
        uniform = torch.rand(colour.shape[0], generator=generator).to(colour.device)
        shift = self.recipe.time_shift
        time = shift * uniform / (1.0 + (shift - 1.0) * uniform)
        mix = time[:, None, None, None]
        velocity = self.proposer.model(
            (1.0 - mix) * colour + mix * noise,
            time * 1000.0,
            # The null condition is an all-zero (grey) sketch.
            _drop(batch["sketch"], self.recipe.sketch_rate, generator),
            batch["hints"],
            batch["palette"],
            batch["weights"],
            batch["palette_present"],
        )
        return flow_loss(velocity, noise, colour, mix)


class PartStep:
    """Trains a part encoder and the proposer whose features it reads.

    In a share ``hint_rate`` of the samples the proposer is given the hints of the part loss, so
    that its features depend on the hints' colours. Besides :func:`part_loss` and
    :func:`white_loss`, the mean squared error of the colours that the proposer predicts at pure
    noise goes on training it as a flow; the same forward pass computes them.
    """

    def __init__(
        self,
        recipe: Recipe,
        accelerator: Accelerator,
        encoder: OptimizedModel,
        proposer: OptimizedModel,
    ) -> None:
        self.recipe, self.accelerator = recipe, accelerator
        self.encoder, self.proposer = encoder, proposer
        self.models, self.saved_beside = [encoder, proposer], {PROPOSER: proposer}

    def __call__(
        self, batch: dict[str, torch.Tensor], generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        sketch, colour = batch["sketch"], batch["flat"]
        encoder, proposer = (self.accelerator.unwrap_model(one.model) for one in self.models)
        cells = draw_cells(colour, generator)
        scale = proposer.config.sketch_scale // CELL
        field = hint_field(hint_map(jitter_hints(colour, generator), cells.hints), sketch, scale)
        field = _drop(field, self.recipe.hint_rate, generator)
        with self.accelerator.accumulate(*(one.model for one in self.models)):
            # No sample has a palette, but DistributedDataParallel needs gradients of all weights.
            palette = {name: batch[name] for name in ("palette", "weights", "palette_present")}
            features = read_features(self.proposer.model, sketch, field, **palette)
            found = self.encoder.model(features, sketch)
            parts = part_loss(found, colour, encoder.log_scale, cells)
            predicted = F.mse_loss(features.colour, F.avg_pool2d(colour, scale))
            white = white_loss(found.white, colour)
            self.accelerator.backward(parts + white + self.recipe.pixel_weight * predicted)
            for one in self.models:
                one.update(self.accelerator, self.recipe.max_grad_norm)
        losses = {"parts": parts, "white": white, "colour": predicted}
        return {name: loss.detach() for name, loss in losses.items()}


class TokenStep:
    """Flow matching of the colours of part tokens, with the colours themselves as the target."""

    def __init__(self, recipe: Recipe, accelerator: Accelerator, network: OptimizedModel) -> None:
        self.recipe, self.accelerator, self.network = recipe, accelerator, network
        self.models: list[OptimizedModel] = [network]
        self.saved_beside: dict[str, OptimizedModel] = {}

    def __call__(
        self, batch: dict[str, torch.Tensor], generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        model = self.network.model
        truth = to_flow(batch["colours"])
        time = torch.rand(len(truth), generator=generator).to(truth)
        mix = time[:, None, None]
        noisy = (1.0 - mix) * truth + mix * _randn(truth.shape, generator, truth)
        with self.accelerator.accumulate(model):
            predicted = model(
                noisy,
                time,
                batch["features"],
                batch["present"],
                truth,
                batch["is_known"],
                to_flow(batch["palette"]),
                batch["weights"],
                batch["palette_present"],
            )
            unknown = batch["present"] & ~batch["is_known"]
            weight = unknown * batch["area"].sqrt()
            error = F.mse_loss(predicted, truth, reduction="none").mean(dim=2)
            loss = (error * weight).sum() / weight.sum().clamp(min=1e-6)
            self.network.minimize(self.accelerator, loss, self.recipe.max_grad_norm)
        return {"colours": loss.detach()}


class ColourStep:
    """Trains a generator with reconstruction losses and, optionally, against a discriminator.

    Args:
        recipe, accelerator: the settings and the devices.
        generator: the network of the run.
        discriminator: None for recipes without an adversarial loss.
        vgg: for the perceptual loss and for styles, if the recipe has either.
        proposer: trained, for half of a refiner's proposals; None simulates all of them.
    """

    def __init__(
        self,
        recipe: Recipe,
        accelerator: Accelerator,
        generator: OptimizedModel,
        discriminator: OptimizedModel | None = None,
        vgg: VGG19Features | None = None,
        proposer: ColorProposer | None = None,
    ) -> None:
        self.recipe, self.accelerator = recipe, accelerator
        self.generator, self.discriminator = generator, discriminator
        self.vgg, self.proposer = vgg, proposer
        self.perceptual = None
        if recipe.perceptual_weight > 0:
            assert vgg is not None
            self.perceptual = PerceptualLoss(
                vgg,
                recipe.perceptual_layers,
                recipe.perceptual_distance,
                recipe.perceptual_layer_weights,
            )
        self.models = [one for one in (generator, discriminator) if one]
        self.saved_beside = {DISCRIMINATOR: discriminator} if discriminator else {}

    def __call__(
        self, batch: dict[str, torch.Tensor], generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        if self.recipe.style_rate > 0:
            assert self.vgg is not None
            batch = batch | {"style": style.from_pictures(self.vgg, batch["colour"])}
        inputs = self._inputs(batch, generator)
        with self.accelerator.accumulate(*(one.model for one in self.models)):
            output = self.generator.model(**inputs)
            losses = self._discriminate(batch, output.image.detach())
            losses |= self._generate(batch, output)
        return {name: loss.detach() for name, loss in losses.items()}

    def _inputs(self, batch: dict[str, torch.Tensor], generator: torch.Generator) -> dict[str, Any]:
        model = self.accelerator.unwrap_model(self.generator.model)
        inputs: dict[str, Any] = {"sketch": batch["sketch"]}
        if "hints" in model.conditions:
            inputs["hints"] = batch["hints"]
        if "palette" in model.conditions:
            names = ("palette", "weights", "palette_present")
            inputs |= {name: batch[name] for name in names}
        if "style" in batch:
            inputs["style"] = _drop(batch["style"], self.recipe.style_rate, generator)
        if getattr(model, "draws_noise", False):
            inputs["generator"] = generator
        if model.config.get("proposal"):
            proposal = batch.get("flats")
            if proposal is None:
                proposal = degraded_truth(batch, generator, self.proposer)
            inputs["proposal"] = proposal
        return inputs

    def _discriminate(
        self, batch: dict[str, torch.Tensor], fake: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        if self.discriminator is None:
            return {}
        sketches = torch.cat([batch["sketch"], batch["sketch"]])
        self.discriminator.model.requires_grad_(True)
        # One forward pass for real and fake: DistributedDataParallel does not allow two.
        both = torch.cat([batch["colour"], fake])
        scores = self.discriminator.model(
            sketches, both, **self._hint_input(self.discriminator, batch, 2)
        )
        real, fake = scores.float().chunk(2)
        loss = discriminator_loss(
            self.recipe.adversarial, real, fake, self._classes(self.discriminator, batch)
        )
        self.discriminator.minimize(self.accelerator, loss, self.recipe.max_grad_norm)
        self.discriminator.model.requires_grad_(False)
        return {"discriminator": loss}

    def _hint_input(
        self, discriminator: OptimizedModel, batch: dict[str, torch.Tensor], times: int
    ) -> dict[str, torch.Tensor]:
        """The hints, repeated ``times`` along the batch, for a discriminator that takes them."""
        model = self.accelerator.unwrap_model(discriminator.model)
        if not model.sees_hints:
            return {}
        return {"hints": torch.cat([batch["hints"]] * times)}

    def _classes(
        self, discriminator: OptimizedModel, batch: dict[str, torch.Tensor]
    ) -> torch.Tensor | None:
        """Styles as the target scores of real pictures, if the discriminator predicts styles."""
        model = self.accelerator.unwrap_model(discriminator.model)
        return batch.get("style") if getattr(model, "predicts_style", False) else None

    def _generate(
        self, batch: dict[str, torch.Tensor], output: GeneratorOutput
    ) -> dict[str, torch.Tensor]:
        recipe, fake = self.recipe, output.image
        distance = F.l1_loss if recipe.pixel_distance == "l1" else F.mse_loss
        losses = {"pixel": distance(fake.float(), batch["colour"])}
        total = recipe.pixel_weight * losses["pixel"]
        if recipe.guide_weights:
            losses["guides"] = guide_loss(output, batch["colour"], recipe.guide_weights)
            total = total + recipe.pixel_weight * losses["guides"]
        if recipe.variation_weight > 0:
            losses["variation"] = total_variation(fake.float())
            total = total + recipe.variation_weight * losses["variation"]
        if self.perceptual is not None:
            window = _random_window(fake, recipe.perceptual_crop)
            losses["perceptual"] = self.perceptual(fake[window], batch["colour"][window])
            total = total + recipe.perceptual_weight * losses["perceptual"]
        if self.discriminator is not None:
            hints = self._hint_input(self.discriminator, batch, 1)
            scores = self.discriminator.model(batch["sketch"], fake, **hints).float()
            classes = self._classes(self.discriminator, batch)
            losses["adversarial"] = generator_loss(recipe.adversarial, scores, classes)
            total = total + recipe.adversarial_weight * losses["adversarial"]
        self.generator.minimize(self.accelerator, total, recipe.max_grad_norm)
        return losses


@torch.no_grad()
def degraded_truth(
    batch: dict[str, torch.Tensor],
    generator: torch.Generator,
    proposer: ColorProposer | None = None,
) -> torch.Tensor:
    """Simulated proposals to train a refiner on: the small true picture with typical errors.

    The truth is downscaled by one of :data:`REFINED_SCALES`, shifted by up to half a proposal
    pixel, blurred and made noisy. With a trained proposer, half of the batch is instead noised
    part of the way and denoised by it (as in SDEdit, Meng et al. 2022), which gives real proposals
    that still match the truth.

    Args:
        batch: of a generator's samples. generator: of all random numbers.
        proposer: trained, or None.

    Returns:
        B×3×(H/4)×(W/4) in about [-1, 1].
    """
    colour = F.avg_pool2d(batch["colour"], PROPOSAL_SCALE)
    count = colour.shape[0]
    scale = REFINED_SCALES[int(torch.randint(len(REFINED_SCALES), (), generator=generator))]

    def uniform(low: float, high: float) -> torch.Tensor:
        drawn = torch.rand(count, generator=generator).to(colour.device)
        return (low + (high - low) * drawn)[:, None, None, None]

    limit = scale // 2
    shift = torch.randint(-limit, limit + 1, (2,), generator=generator).tolist()
    shifted = F.avg_pool2d(torch.roll(batch["colour"], shift, dims=(2, 3)), scale)
    blurred = F.avg_pool2d(F.pad(shifted, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    softness = uniform(0.0, 1.0)
    rough = (1.0 - softness) * shifted + softness * blurred
    rough = rough + uniform(0.0, MAX_PROPOSAL_NOISE) * _randn(rough.shape, generator, rough)
    rough = F.interpolate(rough, colour.shape[2:], mode="bilinear")
    if proposer is None:
        return rough
    half = slice(0, (count + 1) // 2)
    denoised = _denoised_truth(proposer, {k: v[half] for k, v in batch.items()}, generator)
    denoised = F.interpolate(denoised, colour.shape[2:], mode="bilinear")
    return torch.cat([denoised, rough[half.stop :]])


def _denoised_truth(
    proposer: ColorProposer,
    batch: dict[str, torch.Tensor],
    generator: torch.Generator,
    steps: int = 3,
) -> torch.Tensor:
    """Noise the truth to a random time, then integrate back to colour in a few Euler steps.

    The window is used at full or half size, as at larger working resolutions, rounded to multiples
    of the proposer's tile.
    """
    shrink = int(torch.randint(1, 3, (), generator=generator))
    scale = proposer.config.sketch_scale
    tile = proposer.multiple * scale
    size = [max(1, round(side / shrink / tile)) * tile for side in batch["sketch"].shape[2:]]
    sketch = F.interpolate(batch["sketch"], size, mode="area")
    field = hint_field(hints.resize(batch["hints"], size), sketch, scale)
    palettes = [batch[k] for k in ("palette", "weights", "palette_present")]
    colour = F.interpolate(batch["colour"], [side // scale for side in size], mode="area")
    lines = proposer.encode_lines(sketch)
    start = 0.4 + 0.55 * torch.rand((), generator=generator).item()
    state = (1.0 - start) * colour + start * _randn(colour.shape, generator, colour)
    for step in range(steps):
        time = start * (1.0 - step / steps)
        at = torch.full((colour.shape[0],), time * 1000.0, device=colour.device)
        velocity = proposer(state, at, sketch, field, *palettes, lines=lines)
        state = state - start / steps * velocity
    return state.clamp(-1.0, 1.0)


def _drop(condition: torch.Tensor, rate: float, generator: torch.Generator) -> torch.Tensor:
    """Condition dropout: zeros each of B samples' conditions with probability 1 − ``rate``."""
    mask = torch.rand(condition.shape[0], generator=generator) < rate
    mask = mask.to(condition.device, condition.dtype)
    return condition * mask.view(-1, *(1 for _ in condition.shape[1:]))


def _random_window(images: torch.Tensor, side: int) -> tuple[slice, ...]:
    """Index of a random side×side window, the same for the whole batch; of all of it for 0."""
    if not side:
        return (slice(None),)
    y, x = (int(torch.randint(0, length - side + 1, ())) for length in images.shape[2:])
    return (slice(None), slice(None), slice(y, y + side), slice(x, x + side))


def _randn(shape: Any, generator: torch.Generator, like: torch.Tensor) -> torch.Tensor:
    """Noise from a CPU generator, so that it is the same on every device."""
    return torch.randn(shape, generator=generator).to(like.device, like.dtype)
