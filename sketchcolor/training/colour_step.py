"""The training step of generators: reconstruction, perceptual and adversarial losses."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator

from ..conditions import hints
from ..conditions.hint_field import hint_field
from ..models import style_vector as style
from ..models.outputs import GeneratorOutput
from ..models.proposer import ColorProposer
from ..models.vgg19 import VGG19Features
from .losses import (
    PerceptualLoss,
    discriminator_loss,
    generator_loss,
    guide_loss,
    total_variation,
)
from .provenance import DISCRIMINATOR
from .recipes import Recipe
from .steps import PROPOSAL_SCALE, OptimizedModel, drop, randn

__all__ = ["ColourStep", "degraded_truth"]

# Line-art pixels per proposal pixel along a side, as a refiner meets them at working resolutions of
# one, two and four times the proposer's.
REFINED_SCALES = (PROPOSAL_SCALE, 8, 8, 16)
MAX_PROPOSAL_NOISE = 0.35  # standard deviation of noise on simulated proposals in [-1, 1]


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
            inputs["style"] = drop(batch["style"], self.recipe.style_rate, generator)
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
        """Update the discriminator with real pictures in one pass and generated ones in another.

        Batch normalisation then has the statistics of one kind, as in the generator's step, where
        there are generated pictures only (soumith/ganhacks, tip 4). Each pass has its own backward
        pass, because DistributedDataParallel does not allow two forward passes before one.
        """
        if self.discriminator is None:
            return {}
        network, recipe = self.discriminator.model, self.recipe
        network.requires_grad_(True)
        losses = []
        for pictures, is_real in ((batch["colour"], True), (fake, False)):
            scores = self._scores(self.discriminator, batch, pictures)
            targets = self._classes(self.discriminator, batch) if is_real else None
            loss = discriminator_loss(recipe.adversarial, scores, is_real, targets)
            losses.append(recipe.discr_loss_weight * loss)
            # The second backward pass adds to the gradients of the first and sends the sum.
            waits = self.accelerator.no_sync(network) if is_real else nullcontext()
            with waits:
                self.accelerator.backward(losses[-1])
        self.discriminator.update(self.accelerator, recipe.max_grad_norm)
        network.requires_grad_(False)
        return {"discriminator": losses[0] + losses[1]}

    def _scores(
        self, discriminator: OptimizedModel, batch: dict[str, torch.Tensor], pictures: torch.Tensor
    ) -> torch.Tensor:
        """What the discriminator makes of pictures with the sketches and conditions of a batch."""
        conditions = self.accelerator.unwrap_model(discriminator.model).conditions
        inputs = {name: batch[name] for name in conditions}
        if "palette" in conditions:
            inputs["palette_present"] = batch["palette_present"]
        return discriminator.model(batch["sketch"], pictures, **inputs).float()

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
            scores = self._scores(self.discriminator, batch, fake)
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
    rough = rough + uniform(0.0, MAX_PROPOSAL_NOISE) * randn(rough.shape, generator, rough)
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
    state = (1.0 - start) * colour + start * randn(colour.shape, generator, colour)
    for step in range(steps):
        time = start * (1.0 - step / steps)
        at = torch.full((colour.shape[0],), time * 1000.0, device=colour.device)
        velocity = proposer(state, at, sketch, field, *palettes, lines=lines)
        state = state - start / steps * velocity
    return state.clamp(-1.0, 1.0)


def _random_window(images: torch.Tensor, side: int) -> tuple[slice, ...]:
    """Index of a random side×side window, the same for the whole batch; of all of it for 0."""
    if not side:
        return (slice(None),)
    y, x = (int(torch.randint(0, length - side + 1, ())) for length in images.shape[2:])
    return (slice(None), slice(None), slice(y, y + side), slice(x, x + side))
