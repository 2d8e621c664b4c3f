"""Networks. One file per family; :data:`MODELS` names what a recipe can train."""

from .discriminators import PatchDiscriminator
from .outputs import GeneratorOutput
from .pix2pix import Pix2PixGenerator
from .proposer import ColorProposer
from .sgru import SwishGatedRefiner
from .vgg19 import VGG19Features

__all__ = [
    "MODELS",
    "ColorProposer",
    "GeneratorOutput",
    "PatchDiscriminator",
    "Pix2PixGenerator",
    "SwishGatedRefiner",
    "VGG19Features",
]

MODELS = {
    "proposer": ColorProposer,
    "refiner": SwishGatedRefiner,
    "pix2pix": Pix2PixGenerator,
}
