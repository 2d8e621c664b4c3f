"""One training step of each objective: losses, backward passes and updates.

The step of generators, with its discriminator, is in ``colour_step``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from accelerate import Accelerator

from ..conditions.hint_field import hint_field
from ..models.part_colours import to_flow
from ..models.parts import CELL, read_features
from .losses import flow_loss
from .part_loss import draw_cells, hint_map, jitter_hints, part_loss, white_loss
from .provenance import PROPOSER
from .recipes import Recipe

__all__ = [
    "PROPOSAL_SCALE",
    "FlowStep",
    "OptimizedModel",
    "PartStep",
    "TokenStep",
    "TrainingStep",
    "drop",
    "randn",
]

PROPOSAL_SCALE = 4  # line-art pixels per proposal pixel along a side


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
        noise = randn(colour.shape, generator, colour)
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
            drop(batch["sketch"], self.recipe.sketch_rate, generator),
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
        field = drop(field, self.recipe.hint_rate, generator)
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
        noisy = (1.0 - mix) * truth + mix * randn(truth.shape, generator, truth)
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


def drop(condition: torch.Tensor, rate: float, generator: torch.Generator) -> torch.Tensor:
    """Condition dropout: zeros each of B samples' conditions with probability 1 − ``rate``."""
    mask = torch.rand(condition.shape[0], generator=generator) < rate
    mask = mask.to(condition.device, condition.dtype)
    return condition * mask.view(-1, *(1 for _ in condition.shape[1:]))


def randn(shape: Any, generator: torch.Generator, like: torch.Tensor) -> torch.Tensor:
    """Noise from a CPU generator, so that it is the same on every device."""
    return torch.randn(shape, generator=generator).to(like.device, like.dtype)
