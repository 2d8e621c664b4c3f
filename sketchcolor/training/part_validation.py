"""How far a few hints carry, told by likeness: the measure of part encoders."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import default_collate

from ..colour_space import lab_planes
from ..conditions.hint_field import hint_field
from ..models.parts import CELL, PartEncoder, read_features, share_logits
from ..models.proposer import ColorProposer
from .data import SampleMaker, Source, load_images
from .part_loss import distances, hint_map, take
from .recipes import Recipe

__all__ = ["PartValidation"]

COUNTS = (3, 10, 20, 50)  # hints
CELLS = 64  # a side: where colours are compared
AT_ONCE = 8


class PartValidation:
    """Gives random cells of validation pictures their true colours, and guesses all others.

    Args:
        recipe: gives resolution and line art.
        source: of the pictures.
        proposer: whose features the encoder reads.
        count: pictures, spread over the source.
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
        rows = range(0, len(images), max(1, len(images) // count))
        samples = [maker(images[i], np.random.default_rng(i)) for i in list(rows)[:count]]
        self.batch, self.proposer = default_collate(samples), proposer

    @torch.no_grad()
    def __call__(self, model: PartEncoder, step: int) -> dict[str, float]:
        """Mean CIELAB distance to the truth, ``validation_lab_K`` for each number of hints."""
        generator = torch.Generator().manual_seed(1)
        found = {f"validation_lab_{count}": [] for count in COUNTS}
        for start in range(0, len(self.batch["sketch"]), AT_ONCE):
            part = {k: v[start : start + AT_ONCE].to(model.device) for k, v in self.batch.items()}
            sketch = part["sketch"]
            times = part["flat"].shape[2] // CELLS
            colour = F.avg_pool2d(part["flat"], times)
            lab = lab_planes(colour).flatten(2)
            everywhere = torch.arange(lab.shape[2]).expand(len(lab), -1)
            coarser = CELLS * self.proposer.config.sketch_scale // sketch.shape[2]
            for count in COUNTS:
                at = torch.randint(0, lab.shape[2], (len(lab), count), generator=generator)
                field = hint_field(hint_map(colour, at), sketch, coarser)
                vectors = model(read_features(self.proposer, sketch, field), sketch)
                cells = type(vectors)(*(F.avg_pool2d(planes, times) for planes in vectors))
                unit = F.normalize(cells.vectors, dim=1)
                logits = share_logits(
                    unit.flatten(2),
                    cells.alone.flatten(2),
                    take(unit, at),
                    take(cells.locality, at),
                    distances(everywhere, at, (CELLS, CELLS)),
                    model.log_scale,
                )
                shares = logits[..., :-1].softmax(dim=2)  # (B, cells, hints)
                known = lab.gather(2, at[:, None].expand(-1, 3, -1))
                guess = torch.einsum("bpk,bck->bcp", shares, known)
                apart = (guess - lab).norm(dim=1).mean(dim=1)
                found[f"validation_lab_{count}"] += apart.tolist()
        return {name: float(np.mean(values)) for name, values in found.items()}
