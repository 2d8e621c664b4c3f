"""The output of generators."""

from dataclasses import dataclass

import torch
from diffusers.utils import BaseOutput

__all__ = ["GeneratorOutput"]


@dataclass
class GeneratorOutput(BaseOutput):
    """Output of a generator.

    Attributes:
        image: B×3×H×W in [-1, 1], the size of the sketch.
    """

    image: torch.Tensor
