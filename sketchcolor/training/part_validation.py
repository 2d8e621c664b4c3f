"""Validation of part encoders: how well a few hints predict the colours of all other cells."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import default_collate

from ..colour_space import lab_planes
from ..conditions.hint_field import hint_field
from ..models.parts import CELL, PartEncoder, read_features, share_logits
from ..models.proposer import ColorProposer
from .curves import Moment
from .data import SampleMaker, spread_samples
from .part_loss import cell_distances, gather_cells, hint_map
from .recipes import Recipe
from .sources import Source, load_images

__all__ = ["PartValidation"]

HINT_COUNTS = (3, 10, 20, 50)
GRID_SIDE = 64  # cells along a side of the grid on which colours are compared
BATCH_SIZE = 8


class PartValidation:
    """Gives random cells of validation pictures as hints and predicts the colours of all others.

    Args:
        recipe: gives resolution and line art.
        source: of the pictures.
        proposer: whose features the encoder reads.
        count: number of pictures, evenly spaced in the source.
    """

    def __init__(self, recipe: Recipe, source: Source, proposer: ColorProposer, count: int) -> None:
        images = load_images(source)
        maker = SampleMaker(
            recipe.resolution,
            "none",
            recipe.lineart,
            hint_rate=0.0,
            palette_rate=0.0,
            image_column=source.image_column,
            pair=source.pair,
            flat_shrink=CELL,
        )
        self.batch = default_collate(spread_samples(images, maker, count))
        self.proposer = proposer

    @torch.no_grad()
    def __call__(self, model: PartEncoder, moment: Moment) -> dict[str, float]:
        """Measure an encoder; when this takes place does not matter.

        Returns:
            ``validation_lab_K``, the mean CIELAB distance between predicted and true colours, for
            each number K of hints.
        """
        generator = torch.Generator().manual_seed(1)
        found: dict[str, list] = {f"validation_lab_{count}": [] for count in HINT_COUNTS}
        for start in range(0, len(self.batch["sketch"]), BATCH_SIZE):
            stop = start + BATCH_SIZE
            part = {name: v[start:stop].to(model.device) for name, v in self.batch.items()}
            sketch = part["sketch"]
            shrink = part["flat"].shape[2] // GRID_SIDE
            colour = F.avg_pool2d(part["flat"], shrink)
            lab = lab_planes(colour).flatten(2)
            everywhere = torch.arange(lab.shape[2]).expand(len(lab), -1)
            field_scale = GRID_SIDE * self.proposer.config.sketch_scale // sketch.shape[2]
            for count in HINT_COUNTS:
                hints = torch.randint(0, lab.shape[2], (len(lab), count), generator=generator)
                field = hint_field(hint_map(colour, hints), sketch, field_scale)
                vectors = model(read_features(self.proposer, sketch, field), sketch)
                cells = type(vectors)(*(F.avg_pool2d(planes, shrink) for planes in vectors))
                unit = F.normalize(cells.vectors, dim=1)
                logits = share_logits(
                    unit.flatten(2),
                    cells.alone.flatten(2),
                    gather_cells(unit, hints),
                    gather_cells(cells.locality, hints),
                    cell_distances(everywhere, hints, (GRID_SIDE, GRID_SIDE)),
                    model.log_scale,
                )
                shares = logits[..., :-1].softmax(dim=2)  # (B, cells, hints)
                hint_colours = lab.gather(2, hints[:, None].expand(-1, 3, -1))
                predicted = torch.einsum("bpk,bck->bcp", shares, hint_colours)
                error = (predicted - lab).norm(dim=1).mean(dim=1)
                found[f"validation_lab_{count}"] += error.tolist()
        return {name: float(np.mean(values)) for name, values in found.items()}
