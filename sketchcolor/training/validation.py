"""Validation during training: sheets of coloured validation pictures, and measures of them."""

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
from .colour_step import degraded_truth
from .curves import CONDITIONED, Moment, draw_progressions, with_headings
from .data import SampleMaker, spread_samples
from .recipes import Recipe
from .sources import Source, load_images

__all__ = ["DEFAULT_IMAGES", "Validation"]

DEFAULT_IMAGES = 32  # enough for means; a Fréchet distance of so few shows a trend only
SHEET_ROWS = 8
BATCH_SIZE = 8
LEAST_SIDE = 128  # px; smaller pictures are hard to judge by eye
# Conditions and the inputs that belong to them. A model is validated with the first that it takes.
CONDITION_INPUTS = {
    "hints": ("hints",),
    "style": ("style",),
    "palette": ("palette", "weights", "palette_present"),
}


class Validation:
    """Colours the same validation pictures each time, without and with one condition.

    Args:
        recipe: gives resolution, line art and the kind of hints.
        source: of the validation pictures.
        folder: of the sheets.
        vgg: for the Fréchet distance, and for styles where the recipe has them; None leaves the
            distance out.
        count: number of pictures, evenly spaced in the source.
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
            max(recipe.resolution, LEAST_SIDE),
            "none",
            recipe.lineart,
            1.0,
            1.0,
            source.image_column,
            source.pair,
            # A part of the mixed hint maps is empty.
            hint_kind="strokes" if recipe.hint_kind == "mixed" else recipe.hint_kind,
            flats=recipe.flats,
        )
        self.batch = default_collate(spread_samples(images, maker, count))
        if recipe.style_rate > 0:
            assert vgg is not None
            colour = self.batch["colour"].to(vgg.device)
            self.batch["style"] = style.from_pictures(vgg, colour).cpu()
        self.recipe, self.folder, self.vgg = recipe, folder, vgg

    @torch.no_grad()
    def __call__(self, model: ModelMixin, moment: Moment) -> dict[str, float]:
        """Write the moment's sheet, redraw the progressions and measure.

        The columns of a sheet are input, ground truth, prediction, and prediction with hints, style
        or palette; the last is missing for a model without conditions.

        Returns:
            ``validation_psnr`` in dB, ``validation_ssim`` and, with a VGG-19,
            ``validation_vgg19_fid``; with the suffix :data:`CONDITIONED` for the third column.
        """
        accepted = set(model.conditions) & self.batch.keys()
        condition = next((name for name in CONDITION_INPUTS if name in accepted), None)
        columns = {"automatic": self._colour(model, None)}
        if condition is not None:
            columns[condition] = self._colour(model, condition)
        truth = self.batch["colour"]
        self._draw_sheet(columns, moment)
        found: dict[str, float] = {}
        for ending, colour in zip(("", CONDITIONED), columns.values(), strict=False):
            small = F.adaptive_avg_pool2d(truth, (colour.shape[2], colour.shape[3]))
            scores = self._measure(colour, small)
            found |= {f"validation_{name}{ending}": value for name, value in scores.items()}
        return found

    def _draw_sheet(self, columns: dict[str, torch.Tensor], moment: Moment) -> None:
        truth = self.batch["colour"][:SHEET_ROWS]
        size = truth.shape[2:]
        shown = {
            "input": self.batch["sketch"][:SHEET_ROWS].expand(-1, 3, -1, -1),
            "ground truth": truth,
        }
        for name, colour in columns.items():
            heading = "prediction" if name == "automatic" else f"prediction, {name}"
            shown[heading] = F.interpolate(colour[:SHEET_ROWS], size)
        strips = {name: torch.cat(list(pictures), dim=1) for name, pictures in shown.items()}
        sheet = with_headings([(name, to_pil(strip[None])[0]) for name, strip in strips.items()])
        self.folder.mkdir(parents=True, exist_ok=True)
        sheet.save(self.folder / moment.sheet)
        draw_progressions(self.folder, moment, size[1], list(columns))

    def _measure(self, colour: torch.Tensor, truth: torch.Tensor) -> dict[str, float]:
        """Means over the pictures and, with a VGG-19, the Fréchet distance of the two sets."""
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
                torch.cat(
                    [metrics.vgg19_features(self.vgg, part) for part in parts.split(BATCH_SIZE)]
                )
                for parts in (colour.to(self.vgg.device), truth.to(self.vgg.device))
            ]
            found["vgg19_fid"] = metrics.set_distances(*features)["vgg19_fid"]
        return found

    def _colour(self, model: ModelMixin, condition: str | None) -> torch.Tensor:
        """Colours all pictures with one condition or none: N×3×s×s in [-1, 1] on the CPU."""
        generator = torch.Generator().manual_seed(0)
        parts = []
        for start in range(0, len(self.batch["sketch"]), BATCH_SIZE):
            stop = start + BATCH_SIZE
            part = {name: v[start:stop].to(model.device) for name, v in self.batch.items()}
            conditions = {name: part[name] for name in CONDITION_INPUTS.get(condition or "", ())}
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
            inputs = Conditions(batch["sketch"], field)
            return draw_proposal(model, scheduler, inputs, generator).colors
        if model.config.get("proposal"):
            flats = batch.get("flats")
            conditions["proposal"] = degraded_truth(batch, generator) if flats is None else flats
        return model(batch["sketch"], **conditions).image
