"""What every generator returns."""

from dataclasses import dataclass

import torch
from diffusers.utils import BaseOutput

__all__ = ["GeneratorOutput"]


@dataclass
class GeneratorOutput(BaseOutput):
    """image: B×3×H×W in [-1, 1], the size of the sketch."""

    image: torch.Tensor
