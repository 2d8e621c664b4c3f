"""A flow whose own drawings are judged: one optimisation step of a proposer's last training."""

from __future__ import annotations

import torch
from accelerate import Accelerator

from ..noise import starting_noise
from ..sampling import DEFAULT_STEPS, even_times
from .losses import discriminator_loss, generator_loss
from .recipes import Recipe
from .steps import FlowStep, Player, drop

__all__ = ["JudgedFlowStep"]

DRAWN = 2  # of so many samples one is drawn from noise, too
LEARNING = 2  # the last steps of a drawing, through which it is trained
HINTED = 0.5  # of the hints are kept; most drawings have none


class JudgedFlowStep(FlowStep):
    """Flow matching, and drawings from noise that a discriminator takes for true or not.

    Matched to velocities at noisy truths alone, a flow never meets its own mistakes: a blue face
    that it has begun stays one. So some drawings are made as in use, from arranged noise in as many
    steps (as Yin et al. 2024, DMD2, simulate their generator), in another picture's palette, and
    their last steps are trained to make them pass for true ones (adversarial diffusion
    distillation, Sauer et al. 2023).

    Args:
        recipe, accelerator: the settings and the devices.
        proposer, discriminator: the players.
    """

    def __init__(
        self, recipe: Recipe, accelerator: Accelerator, proposer: Player, discriminator: Player
    ) -> None:
        super().__init__(recipe, accelerator, proposer)
        self.discriminator = discriminator
        self.players = [proposer, discriminator]

    def __call__(
        self, batch: dict[str, torch.Tensor], generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        recipe, judge = self.recipe, self.discriminator.model
        with self.accelerator.accumulate(self.proposer.model, judge):
            sketch, drawn = self._draw(batch, generator)
            judge.requires_grad_(True)
            sketches = torch.cat([batch["sketch"], sketch])
            scores = judge(sketches, torch.cat([batch["colour"], drawn.detach()])).float()
            true, false = scores.split([len(batch["colour"]), len(drawn)])
            verdict = discriminator_loss(recipe.adversarial, true, false)
            self.discriminator.descend(self.accelerator, verdict, recipe.max_grad_norm)
            judge.requires_grad_(False)
            flow = self._match(batch, generator)
            passing = generator_loss(recipe.adversarial, judge(sketch, drawn).float())
            total = flow + recipe.adversarial_weight * passing
            self.proposer.descend(self.accelerator, total, recipe.max_grad_norm)
        losses = {"flow": flow, "discriminator": verdict, "adversarial": passing}
        return {name: loss.detach() for name, loss in losses.items()}

    def _draw(
        self, batch: dict[str, torch.Tensor], generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Some of a batch's sketches, N×1×H×W, and drawings for them, N×3×h×w."""
        some = slice(max(1, len(batch["sketch"]) // DRAWN))
        sketch, hints = batch["sketch"][some], drop(batch["hints"][some], HINTED, generator)
        names = ("palette", "weights", "palette_present")
        palettes = [torch.roll(batch[name], 1, dims=0)[some] for name in names]
        network = self.accelerator.unwrap_model(self.proposer.model)
        with self.accelerator.autocast():
            lines = network.read(sketch)
        state = starting_noise(sketch, network.config.sketch_scale, generator)
        times = [self._shifted(time) for time in even_times(DEFAULT_STEPS)]
        for step, (time, then) in enumerate(zip(times, [*times[1:], 0.0], strict=True)):
            with torch.set_grad_enabled(step >= DEFAULT_STEPS - LEARNING):
                at = torch.full((len(sketch),), time * 1000.0, device=sketch.device)
                velocity = self.proposer.model(state, at, sketch, hints, *palettes, lines=lines)
                state = state + (then - time) * velocity.float()
        return sketch, state
