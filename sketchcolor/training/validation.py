"""What training shows of itself: fixed validation pictures as sheets, and scores of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import FlowMatchEulerDiscreteScheduler, ModelMixin
from torch.utils.data import default_collate

from ..conditions import Conditions
from ..conditions.hint_field import hint_field
from ..evaluation import metrics
from ..images import to_pil
from ..models import style_vector as style
from ..models.vgg19 import VGG19Features
from ..sampling.proposal import draw_proposal
from .curves import WISHED, draw_progressions
from .data import SampleMaker, Source, load_images
from .recipes import Recipe
from .steps import degraded_truth

__all__ = ["DEFAULT_IMAGES", "Validation"]

DEFAULT_IMAGES = 32  # enough for means; a Fréchet distance of so few only tells which way it goes
ROWS = 8  # of them on the sheets
AT_ONCE = 8
# What a model can be told; the first that it takes is the wish that it is shown and measured with.
WISHES = {
    "hints": ("hints",),
    "style": ("style",),
    "palette": ("palette", "weights", "palette_present"),
}


class Validation:
    """Colours the same validation pictures each time, without and with a wish.

    Args:
        recipe: gives resolution and line art.
        source: of the validation pictures.
        folder: where the sheets go.
        vgg: for the Fréchet distance, and for styles where the recipe has them; None leaves the
            distance out.
        count: pictures, spread over the source.
    """

    def __init__(
        self,
        recipe: Recipe,
        source: Source,
        folder: Path,
        vgg: VGG19Features | None = None,
        count: int = DEFAULT_IMAGES,
    ) -> None:
        images = load_images(source)
        maker = SampleMaker(
            max(recipe.resolution, 128),
            "none",
            recipe.lineart,
            1.0,
            1.0,
            source.image_column,
            source.pair,
            flats=recipe.flats,
        )
        rows = range(0, len(images), max(1, len(images) // count))
        samples = [maker(images[i], np.random.default_rng(i)) for i in list(rows)[:count]]
        self.batch = default_collate(samples)
        if recipe.style_rate > 0:
            colour = self.batch["colour"].to(vgg.device)
            self.batch["style"] = style.from_pictures(vgg, colour).cpu()
        self.recipe, self.folder, self.vgg = recipe, folder, vgg

    @torch.no_grad()
    def __call__(self, model: ModelMixin, step: int) -> dict[str, float]:
        """Write ``step-N.png``, draw the progressions anew and measure.

        A sheet is sketch | colouring | colouring with hints, style or palette | truth, without
        the third column for a model that can be told nothing.

        Returns:
            ``validation_psnr`` in decibels, ``validation_ssim`` and, with a VGG-19,
            ``validation_vgg19_fid``; the same ending in ``_wished`` for the third column.
        """
        known = set(model.conditions) & self.batch.keys()
        wish = next((name for name in WISHES if name in known), None)
        columns = {"automatic": self._colour(model, None)}
        if wish is not None:
            columns[wish] = self._colour(model, wish)
        truth = self.batch["colour"]
        self._draw_sheet(columns, step)
        found = {}
        for ending, colour in zip(("", WISHED), columns.values(), strict=False):
            small = F.adaptive_avg_pool2d(truth, colour.shape[2:])
            scores = self._measure(colour, small)
            found |= {f"validation_{name}{ending}": value for name, value in scores.items()}
        return found

    def _draw_sheet(self, columns: dict[str, torch.Tensor], step: int) -> None:
        truth = self.batch["colour"][:ROWS]
        size = truth.shape[2:]
        shown = [self.batch["sketch"][:ROWS].expand(-1, 3, -1, -1)]
        shown += [F.interpolate(colour[:ROWS], size) for colour in columns.values()]
        sheet = torch.cat([torch.cat(list(c), dim=1) for c in [*shown, truth]], dim=2)
        self.folder.mkdir(parents=True, exist_ok=True)
        to_pil(sheet[None])[0].save(self.folder / f"step-{step:06d}.png")
        draw_progressions(self.folder, step, size[1], list(columns))

    def _measure(self, colour: torch.Tensor, truth: torch.Tensor) -> dict[str, float]:
        """Means over the pictures and, with a VGG-19, the distance of the two sets."""
        pairs = [
            (np.asarray(output), np.asarray(true))
            for output, true in zip(to_pil(colour), to_pil(truth), strict=True)
        ]
        found = {
            name: float(np.mean([compare(*pair) for pair in pairs]))
            for name, compare in (("psnr", metrics.psnr), ("ssim", metrics.ssim))
        }
        if self.vgg is not None and len(pairs) > 1:
            features = [
                torch.cat([metrics.vgg19_features(self.vgg, part) for part in parts.split(AT_ONCE)])
                for parts in (colour.to(self.vgg.device), truth.to(self.vgg.device))
            ]
            found["vgg19_fid"] = metrics.set_distances(*features)["vgg19_fid"]
        return found

    def _colour(self, model: ModelMixin, wish: str | None) -> torch.Tensor:
        """N×3×s×s in [-1, 1] on the CPU."""
        generator = torch.Generator().manual_seed(0)
        parts = []
        for start in range(0, len(self.batch["sketch"]), AT_ONCE):
            part = {k: v[start : start + AT_ONCE].to(model.device) for k, v in self.batch.items()}
            conditions = {name: part[name] for name in WISHES.get(wish, ())}
            parts.append(self._colour_part(model, part, conditions, generator))
        return torch.cat(parts).clamp(-1, 1).float().cpu()

    def _colour_part(
        self, model: ModelMixin, batch: dict, conditions: dict, generator: torch.Generator
    ) -> torch.Tensor:
        if self.recipe.objective == "flow":
            field = None
            if "hints" in conditions:
                field = hint_field(batch["hints"], batch["sketch"], model.config.sketch_scale)
            scheduler = FlowMatchEulerDiscreteScheduler(shift=self.recipe.time_shift)
            given = Conditions(batch["sketch"], field)
            return draw_proposal(model, scheduler, given, generator).colors
        if model.config.get("proposal"):
            flats = batch.get("flats")
            conditions["proposal"] = degraded_truth(batch, generator) if flats is None else flats
        return model(batch["sketch"], **conditions).image
