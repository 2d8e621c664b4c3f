"""Runs the pipeline of the web app: one colouring at a time, on ZeroGPU or on its own device.

ZeroGPU gives a Space a GPU for the duration of one call, through the package ``spaces``, and
refuses when the visitor's quota is used up. Then, and wherever there is no ZeroGPU, the pipeline
runs on the device that it was loaded on.
"""

from __future__ import annotations

try:  # must be imported before torch
    import spaces
except ImportError:
    spaces = None

import contextvars
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PIL import Image

from .hub.access import first_line
from .pipeline import SketchColorOutput, SketchColorPipeline

logger = logging.getLogger(__name__)

GPU_DURATION = 20  # s; a short duration has a shorter queue and uses less of a visitor's quota


def on_zero_gpu() -> bool:
    """Whether this process is a Space on ZeroGPU."""
    value = os.environ.get("SPACES_ZERO_GPU", "").lower()  # as spaces itself reads it
    return spaces is not None and value in ("1", "t", "true")


def home_device() -> str | None:
    """The device to load the pipeline of an `Engine` on; None leaves the choice to the loader.

    On ZeroGPU it is the CPU: torch reports a GPU there, but it is available during a call only.
    """
    return "cpu" if on_zero_gpu() else None


class Engine:
    """Serves the calls of all visitors; other attributes are those of the pipeline.

    All colourings run in one thread, because the scheduler has a state that two of them must not
    share, and because every thread that runs PyTorch keeps memory of its own.

    Args:
        pipeline: loaded on `home_device`.
        gpu: the device that ZeroGPU provides.
    """

    def __init__(self, pipeline: SketchColorPipeline, gpu: str = "cuda") -> None:
        self._pipeline, self._gpu = pipeline, gpu
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="colouring")
        self._colour_on_zero_gpu = (
            spaces.GPU(self._colour_on_gpu, duration=GPU_DURATION) if on_zero_gpu() else None
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)

    def __call__(
        self, *args: Any, callback: Callable[[int, int], None] | None = None, **kwargs: Any
    ) -> SketchColorOutput:
        """Call the pipeline. The callback is not called on ZeroGPU, where colouring is fast."""
        context = contextvars.copy_context()  # has the visitor's progress bar and quota
        return self._worker.submit(context.run, self._colour, args, kwargs, callback).result()

    def _colour(
        self, args: tuple, kwargs: dict[str, Any], callback: Callable[[int, int], None] | None
    ) -> SketchColorOutput:
        if self._colour_on_zero_gpu is not None:
            try:
                images, seeds = self._colour_on_zero_gpu(args, kwargs)
                return SketchColorOutput(images=images, seeds=seeds)
            except Exception as error:  # quota, queue, worker; on the CPU, bad input raises again
                logger.warning("No GPU, so the CPU colours: %s", first_line(error))
        return self._pipeline(*args, **kwargs | {"callback": callback})

    def _colour_on_gpu(
        self, args: tuple, kwargs: dict[str, Any]
    ) -> tuple[list[Image.Image], list[int]]:
        """Runs in a process of ZeroGPU, so moving the pipeline does not affect this process."""
        output = self._pipeline.to(self._gpu)(*args, **kwargs)
        return output.images, output.seeds
