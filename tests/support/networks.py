"""Networks with a few thousand random weights from a fixed seed; their colours are arbitrary."""

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from sketchcolor.models import ColorProposer, PartColours, PartEncoder, SwishGatedRefiner
from sketchcolor.models.parts import CELL
from sketchcolor.parts.analysis import DrawingParts, Reading
from sketchcolor.parts.pieces import cut_regions
from sketchcolor.pipeline import SketchColorPipeline

TINY_PROPOSER = {
    "sample_size": 16,
    "patch": 2,
    "line_channels": (8, 8),
    "block_out_channels": (8, 16),
    "attention_head_dim": 8,
    "norm_num_groups": 4,
}

# A part encoder takes features from a proposer with patches of 4 pixels.
TINY_READABLE = TINY_PROPOSER | {"patch": 4, "line_channels": (8, 8, 8)}
TINY_PARTS = {
    "line_channels": (8, 8, 8),
    "middle_channels": 16,
    "decoder_channels": 8,
    "widths": (16, 8, 8, 8),
    "dimensions": 8,
}


def tiny_proposer(**more) -> ColorProposer:
    torch.manual_seed(0)
    proposer = ColorProposer(**TINY_PROPOSER | more)
    torch.nn.init.normal_(proposer.unet.conv_out.weight, std=0.05)
    torch.nn.init.normal_(proposer.palette.absent, std=0.5)
    torch.nn.init.normal_(proposer.head.layers[-1].weight, std=0.05)
    return proposer.eval()


def tiny_part_encoder() -> PartEncoder:
    """An encoder with nearly the same vector everywhere, so that it does not divide any region.

    Its logit of having the colour of no hint is so high that hints stay in their own pieces.
    """
    torch.manual_seed(2)
    encoder = PartEncoder(**TINY_PARTS)
    torch.nn.init.normal_(encoder.outlet.weight, std=0.02)
    torch.nn.init.constant_(encoder.outlet.bias[TINY_PARTS["dimensions"]], 30.0)  # alone
    return encoder.eval()


def tiny_part_colours() -> PartColours:
    torch.manual_seed(6)
    return PartColours(features=27, width=16, layers=1, heads=2).eval()


def drawing_parts(
    label: np.ndarray,
    vectors: np.ndarray,
    part: list[int] | None = None,
    alone: float = 5.0,
    locality: float = 1.0,
    ink: np.ndarray | None = None,
) -> DrawingParts:
    """The analysis of a drawing with the given regions and vectors.

    Args:
        label: H×W int32, number of the region of each pixel.
        vectors: D×h×w, the part encoder's vector of each cell.
        part: number of the part of each piece; None makes every piece a part of its own.
        alone: logit of having the colour of no hint. The default is halfway between the logits of
            hints with the same vector and with an orthogonal one, which are 10 and 0.
        locality: how fast a hint's influence decreases with distance.
        ink: h×w in [0, 1], 1 for black; None is an empty page.
    """
    pieces = cut_regions(label, vectors, np.ones(vectors.shape[1:]))
    height, width = pieces.grid
    cells = height * width
    return DrawingParts(
        pieces,
        np.arange(len(pieces.area)) if part is None else np.array(part),
        np.zeros(cells, np.float32) if ink is None else ink.ravel(),
        Reading(
            vectors.reshape(len(vectors), -1).T,
            np.full(cells, alone, np.float32),
            np.full(cells, locality, np.float32),
            np.ones(cells, np.float32),
            np.zeros((cells, 3), np.float32),
            10.0,
        ),
        torch.ones(1, 1, CELL * height, CELL * width),
        torch.zeros(1, 4, CELL * height, CELL * width),
        np.zeros((height, width, 1), np.float32),
        np.zeros((height, width, 3), np.float32),
    )


def tiny_refiner(proposal: bool = True) -> SwishGatedRefiner:
    torch.manual_seed(1)
    refiner = SwishGatedRefiner(channels=(8, 16), proposal=proposal)
    torch.nn.init.normal_(refiner.outlet[-1].weight, std=0.1)
    torch.nn.init.normal_(refiner.modulate.affine.weight, std=0.1)
    return refiner.eval()


def parts_pipeline(part_colours: PartColours | None = None, **more: float) -> SketchColorPipeline:
    """A pipeline that knows parts; a proposal colours them unless there is another network."""
    return SketchColorPipeline(
        tiny_refiner(),
        tiny_proposer(**TINY_READABLE),
        FlowMatchEulerDiscreteScheduler(),
        parts=tiny_part_encoder(),
        part_colours=part_colours,
        **more,
    )
