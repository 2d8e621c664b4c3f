"""FID and LPIPS with the networks and weights of the literature, from torchmetrics.

They are optional (``pip install 'sketchcolor[metrics]'``); their weights are downloaded on first
use and found again in PyTorch's folder of downloads. Metrics without downloads are in
:mod:`sketchcolor.evaluation.metrics`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

__all__ = ["PublishedMetrics", "weights_are_here"]

# Files of torch-fidelity's Inception-v3 and of the AlexNet of LPIPS.
WEIGHTS = ("weights-inception-2015-12-05-6726825d.pth", "alexnet-owt-7be5be79.pth")


def weights_are_here() -> bool:
    """Whether the library is installed and the weights were downloaded before."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    is_downloaded = all((folder / name).is_file() for name in WEIGHTS)
    return is_downloaded and find_spec("torchmetrics") is not None


class PublishedMetrics:
    """Inception-v3 for FID (Heusel et al. 2017) and AlexNet for LPIPS (Zhang et al. 2018).

    Args:
        device: of both networks.

    Raises:
        ValueError: a library is missing or does not fit, or the weights cannot be downloaded.
    """

    def __init__(self, device: str | torch.device = "cpu") -> None:
        try:
            from torchmetrics.image.fid import FrechetInceptionDistance
            from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

            self._inception = FrechetInceptionDistance().inception.to(device)
            self._lpips = LearnedPerceptualImagePatchSimilarity(reduction="none").to(device)
        except ImportError as error:
            raise ValueError(
                "FID and LPIPS need torchmetrics: pip install 'sketchcolor[metrics]'."
            ) from error
        except (OSError, RuntimeError) as error:  # no network, an incomplete file, mixed builds
            raise ValueError(
                f"The networks of FID and LPIPS could not be loaded or downloaded: {error}"
            ) from error
        self._device = device

    @torch.no_grad()
    def inception_features(self, colour: Tensor) -> Tensor:
        """B×2048 float64 on the CPU, of B×3×H×W in [-1, 1]; for ``metrics.frechet_distance``."""
        levels = ((colour + 1) * 127.5).round().to(self._device, torch.uint8)
        return self._inception(levels).double().cpu()

    @torch.no_grad()
    def lpips(self, output: Tensor, truth: Tensor) -> list[float]:
        """Distances of B pairs of B×3×H×W pictures in [-1, 1]; 0 for equal ones."""
        return self._lpips(output.to(self._device), truth.to(self._device)).tolist()
