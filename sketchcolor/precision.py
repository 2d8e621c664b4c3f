"""The number format in which a device convolves fastest, measured rather than looked up."""

from __future__ import annotations

import time
from functools import lru_cache

import torch
import torch.nn.functional as F
from diffusers import ModelMixin

__all__ = ["autocast", "fastest_dtype"]


@lru_cache
def fastest_dtype(device_type: str) -> torch.dtype:
    """float32 or bfloat16, whichever is faster for convolutions on a device.

    On a CPU both are timed once on a small channels-last convolution, which takes milliseconds.
    bfloat16 has to be clearly faster, because it is less precise. CUDA devices use bfloat16 if
    they support it, and all others float32.
    """
    if device_type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device_type != "cpu":
        return torch.float32
    return (
        torch.bfloat16
        if _seconds(torch.bfloat16) < 0.8 * _seconds(torch.float32)
        else torch.float32
    )


def autocast(
    network: ModelMixin, device_type: str, faster: torch.dtype = torch.float32
) -> torch.autocast:
    """The autocast context to run a network in.

    Args:
        network: if its weights are not float32, because ``torch_dtype`` was given to
            ``from_pretrained``, it runs in the format of its weights.
        device_type: where it runs, ``cpu`` or ``cuda``.
        faster: the format that a network with float32 weights runs in.
    """
    dtype = faster if network.dtype is torch.float32 else network.dtype
    return torch.autocast(device_type, dtype, enabled=dtype is not torch.float32)


def _seconds(dtype: torch.dtype) -> float:
    """The shortest of four runs of a 64-channel convolution at 64²."""
    features = torch.randn(1, 64, 64, 64).to(dtype, memory_format=torch.channels_last)
    weight = torch.randn(64, 64, 3, 3).to(dtype, memory_format=torch.channels_last)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(4):
            started = time.perf_counter()
            F.conv2d(features, weight, padding=1)
            best = min(best, time.perf_counter() - started)
    return best
