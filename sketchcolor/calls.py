"""What a call of the pipeline may say, and how it reports its progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from .conditions import Stroke
from .conditions import hints as hint_maps
from .geometry import Fit

__all__ = [
    "MAX_VARIANTS",
    "Callback",
    "Hints",
    "StepCounter",
    "check_call",
    "hint_layer",
    "hint_page",
]

RESOLUTIONS = (64, 2048)  # working resolution, least and most
MAX_VARIANTS = 16
MOST_STEPS = 100
CHOICES = {
    "lines": ("keep", "model"),
    "background": ("paper", "painted"),
    "output_type": ("pil", "np", "pt"),
}

Hints = Sequence[Stroke | dict] | Image.Image
Callback = Callable[[int, int], None]


def check_call(variants: int, resolution: int, steps: int, **chosen: str) -> None:
    """Refuse what is out of range.

    Args:
        chosen: one of :data:`CHOICES` each.

    Raises:
        ValueError: in one sentence.
    """
    if not 1 <= variants <= MAX_VARIANTS:
        raise ValueError(f"The number of variants must be between 1 and {MAX_VARIANTS}.")
    if not RESOLUTIONS[0] <= resolution <= RESOLUTIONS[1]:
        raise ValueError(
            f"The working resolution must be between {RESOLUTIONS[0]} and {RESOLUTIONS[1]}."
        )
    if not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"The number of steps must be between 1 and {MOST_STEPS}.")
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            *some, last = (f'"{choice}"' for choice in CHOICES[name])
            raise ValueError(f"{name} must be {', '.join(some)} or {last}, not {value!r}.")


class StepCounter:
    """Turns "one more step is done" into (done, total)."""

    def __init__(self, callback: Callback | None, total: int) -> None:
        self.callback, self.total, self.done = callback, total, 0

    def almost(self) -> None:
        """All but the last step is done, however many of them there was no need for."""
        self.done = self.total - 2
        self()

    def __call__(self) -> None:
        self.done += 1
        if self.callback is not None:
            self.callback(self.done, self.total)


def hint_layer(hints: Hints, size: tuple[int, int]) -> np.ndarray:
    """Hints as a transparent layer of the sketch's size, H×W×4 uint8 RGBA.

    Args:
        hints: strokes, or a transparent picture.
        size: (width, height) of the sketch.

    Raises:
        ValueError: a stroke is malformed, or the picture has another size.
    """
    if not isinstance(hints, Image.Image):
        return hint_maps.from_strokes(hints, size)
    if hints.size != size:
        raise ValueError(
            f"The hint layer is {hints.width}×{hints.height} px and the sketch "
            f"{size[0]}×{size[1]} px: give a layer of the sketch's size."
        )
    return np.asarray(hints.convert("RGBA"))


def hint_page(layer: np.ndarray, geometry: Fit) -> torch.Tensor:
    """1×4×H×W hint map of a layer in the geometry of a working page."""
    hint_map = hint_maps.to_tensor(hint_maps.from_layer(layer, geometry.scaled_size))
    right = geometry.padded_size[0] - geometry.scaled_size[0]
    below = geometry.padded_size[1] - geometry.scaled_size[1]
    return F.pad(hint_map, (0, right, 0, below))
