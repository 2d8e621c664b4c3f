"""Measures how fast this machine computes convolutions; other benchmarks compare with that rate.

The networks consist almost only of 3×3 convolutions, so none can be faster than the best rate of
a single such layer. Run as a script, this module prints a table:

    python benchmarks/machine.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from sketchcolor.training.hardware import processor

# (channels, side) of the layers of U-Nets at 256², from the outermost to the innermost.
SHAPES = ((64, 256), (128, 128), (256, 64), (512, 32))
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def median_seconds(call: Callable[[], object], repeats: int = 5, least: float = 0.3) -> float:
    """Median wall time of a call, after one call that is not measured.

    Args:
        call: what to measure.
        repeats: least number of measured calls.
        least: least total time of the measured calls, in seconds.
    """
    call()
    times: list[float] = []
    while len(times) < repeats or sum(times) < least:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def memory_mib(field: str) -> float:
    """VmRSS or VmHWM of this process in MiB; ru_maxrss would count pages of the parent, too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise OSError(f"This system does not report {field}; run the benchmark on Linux.")


@torch.inference_mode()
def convolution_rate(channels: int, side: int, dtype: torch.dtype) -> float:
    """GFLOP/s (2 × multiply-accumulate) of one 3×3 convolution on a 1×channels×side×side input."""
    layer = nn.Conv2d(channels, channels, 3, padding=1, bias=False, dtype=dtype)
    layer = layer.to(memory_format=torch.channels_last)
    x = torch.randn(1, channels, side, side, dtype=dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    operations = 2 * 9 * channels**2 * side**2
    return operations / median_seconds(lambda: layer(x)) / 1e9


def measure(shapes: tuple[tuple[int, int], ...] = SHAPES) -> dict:
    """Processor, threads, and for each precision the rates of all shapes and the best, GFLOP/s."""
    rates = {
        name: {f"{c}×{s}²": convolution_rate(c, s, dtype) for c, s in shapes}
        for name, dtype in DTYPES.items()
    }
    return {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rates": rates,
        "best": {name: max(each.values()) for name, each in rates.items()},
    }


def describe(machine: dict) -> str:
    """The measurement as a Markdown table."""
    header = list(next(iter(machine["rates"].values())))
    lines = [
        f"{machine['processor']}, {machine['threads']} threads, torch {machine['torch']}",
        "",
        "| 3×3 convolution, GFLOP/s | " + " | ".join(header) + " |",
        "|---|" + "---:|" * len(header),
    ]
    for name, rates in machine["rates"].items():
        lines.append(f"| {name} | " + " | ".join(f"{r:.0f}" for r in rates.values()) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe(measure()))
