"""Names of the hardware that a run used, for records and cards."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

__all__ = ["describe_hardware", "processor"]


def describe_hardware(device: torch.device) -> str:
    """The GPU's name, or the processor's name and PyTorch's number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{processor()}, {torch.get_num_threads()} threads"


def processor() -> str:
    """The processor's model name on Linux; elsewhere what Python knows of it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
