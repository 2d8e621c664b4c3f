"""Which number format a device really convolves fastest in: measured, not read off a flag."""

from __future__ import annotations

import time
from functools import lru_cache

import torch
import torch.nn.functional as F
from diffusers import ModelMixin

__all__ = ["autocast", "fastest_dtype"]


@lru_cache
def fastest_dtype(device_type: str) -> torch.dtype:
    """float32 or bfloat16 for convolutions on ``cpu`` or ``cuda``.

    On a CPU both are timed once on a small channels-last convolution (some milliseconds);
    bfloat16 has to win clearly, because without hardware support it is emulated. Other
    devices run bfloat16 where they support it.
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
    """The context to run a network in: in ``faster``, or in what it was loaded in if that is less.

    Args:
        network: its weights' number format is what ``torch_dtype`` of ``from_pretrained`` said.
        device_type: where it runs, ``cpu`` or ``cuda``.
        faster: what float32 weights are rounded to.
    """
    dtype = faster if network.dtype is torch.float32 else network.dtype
    return torch.autocast(device_type, dtype, enabled=dtype is not torch.float32)


def _seconds(dtype: torch.dtype) -> float:
    """Best of three runs of a 64-channel convolution at 64²."""
    features = torch.randn(1, 64, 64, 64).to(dtype, memory_format=torch.channels_last)
    weight = torch.randn(64, 64, 3, 3).to(dtype, memory_format=torch.channels_last)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(4):
            started = time.perf_counter()
            F.conv2d(features, weight, padding=1)
            best = min(best, time.perf_counter() - started)
    return best
