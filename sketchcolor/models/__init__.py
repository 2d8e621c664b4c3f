"""Networks, one file per family; :data:`MODELS` has those that recipes can train, by name."""

from .auto_painter import AutoPainterGenerator
from .discriminators import PatchDiscriminator
from .outputs import GeneratorOutput
from .palette_attention import PaletteAttentionGenerator
from .palette_prior import PalettePrior
from .part_colours import PartColours
from .parts import PartEncoder
from .pix2pix import Pix2PixGenerator
from .proposer import ColorProposer
from .sgru import SwishGatedGenerator, SwishGatedRefiner
from .style_guided import AuxiliaryDiscriminator, StyleGuidedGenerator
from .vgg19 import VGG19Features
from .whiteout_hint import WhiteOutDiscriminator, WhiteOutGenerator

__all__ = [
    "DISCRIMINATORS",
    "MODELS",
    "AutoPainterGenerator",
    "AuxiliaryDiscriminator",
    "ColorProposer",
    "GeneratorOutput",
    "PaletteAttentionGenerator",
    "PalettePrior",
    "PartColours",
    "PartEncoder",
    "PatchDiscriminator",
    "Pix2PixGenerator",
    "StyleGuidedGenerator",
    "SwishGatedGenerator",
    "SwishGatedRefiner",
    "VGG19Features",
    "WhiteOutDiscriminator",
    "WhiteOutGenerator",
]

MODELS = {
    "proposer": ColorProposer,
    "parts": PartEncoder,
    "part-colours": PartColours,
    "refiner": SwishGatedRefiner,
    "pix2pix": Pix2PixGenerator,
    "palette-attention": PaletteAttentionGenerator,
    "whiteout-hint": WhiteOutGenerator,
    "sgru": SwishGatedGenerator,
    "auto-painter": AutoPainterGenerator,
    "style-guided": StyleGuidedGenerator,
}

DISCRIMINATORS = {
    "patch": PatchDiscriminator,
    "white-out": WhiteOutDiscriminator,
    "auxiliary": AuxiliaryDiscriminator,
}
