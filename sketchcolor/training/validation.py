"""What training shows of itself: a fixed validation batch as a sheet, and its scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import FlowMatchEulerDiscreteScheduler, ModelMixin
from PIL import Image
from torch.utils.data import default_collate

from ..conditions import style
from ..conditions.hint_field import hint_field
from ..models.vgg19 import VGG19Features
from ..sampling import draw_proposal
from .data import SampleMaker, Source, load_images
from .recipes import Recipe
from .steps import degraded_truth

__all__ = ["ValidationSheet"]


class ValidationSheet:
    """Sketch | output | output with hints or style | truth for a few fixed validation pictures.

    Args:
        recipe: gives resolution and line art.
        source: of the validation pictures.
        folder: where the sheets go, one PNG per call.
        vgg: reads the pictures' styles, where the recipe has styles.
        count: rows.
    """

    def __init__(
        self,
        recipe: Recipe,
        source: Source,
        folder: Path,
        vgg: VGG19Features | None = None,
        count: int = 8,
    ) -> None:
        images = load_images(source)
        size = len(images)
        maker = SampleMaker(
            max(recipe.resolution, 128),
            "none",
            recipe.lineart,
            1.0,
            1.0,
            source.image_column,
            source.pair,
        )
        rows = range(0, size, max(1, size // count))
        samples = [maker(images[i], np.random.default_rng(i)) for i in list(rows)[:count]]
        self.batch = default_collate(samples)
        if recipe.style_rate > 0:
            colour = self.batch["colour"].to(vgg.device)
            self.batch["style"] = style.from_pictures(vgg, colour)
        self.recipe, self.folder = recipe, folder

    @torch.no_grad()
    def __call__(self, model: ModelMixin, step: int) -> dict[str, float]:
        """Write ``step-N.png`` and return PSNR without and with hints or style, in decibels."""
        batch = {name: value.to(model.device) for name, value in self.batch.items()}
        plain, guided = self._colour(model, batch, False), self._colour(model, batch, True)
        truth = batch["colour"]
        sketch = batch["sketch"].expand(-1, 3, -1, -1)
        size = truth.shape[2:]
        columns = [sketch, F.interpolate(plain, size), F.interpolate(guided, size), truth]
        sheet = torch.cat([torch.cat(list(column), dim=1) for column in columns], dim=2)
        pixels = ((sheet.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
        self.folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(self.folder / f"step-{step:06d}.png")
        small = F.adaptive_avg_pool2d(truth, plain.shape[2:])
        return {
            "validation_psnr": _psnr(plain, small),
            "validation_psnr_hints": _psnr(guided, small),
        }

    def _colour(self, model: ModelMixin, batch: dict, guided: bool) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        conditions = {}
        if "hints" in model.conditions and guided:
            conditions["hints"] = batch["hints"]
        if "style" in batch and guided:
            conditions["style"] = batch["style"]
        if self.recipe.objective == "flow":
            if "hints" in conditions:
                conditions["hints"] = hint_field(
                    batch["hints"], batch["sketch"], model.config.sketch_scale
                )
            scheduler = FlowMatchEulerDiscreteScheduler(shift=self.recipe.time_shift)
            return draw_proposal(
                model, scheduler, batch["sketch"], generator=generator, **conditions
            )
        if model.config.get("proposal"):
            conditions["proposal"] = degraded_truth(batch, generator)
        return model(batch["sketch"], **conditions).image


def _psnr(image: torch.Tensor, truth: torch.Tensor) -> float:
    error = (image.clamp(-1, 1) - truth).square().mean(dim=(1, 2, 3)) / 4.0
    return float((-10.0 * error.clamp(min=1e-10).log10()).mean())
