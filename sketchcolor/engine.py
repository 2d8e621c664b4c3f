"""The page's model: one colouring at a time, on the GPU that a Space is lent or on its own CPU.

ZeroGPU lends a Space a GPU for the length of one call, through the package ``spaces``, and refuses
when a visitor's quota is out. Then, and wherever there is no ZeroGPU, the pipeline works where it
lies.
"""

from __future__ import annotations

try:  # before torch, as spaces asks
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

LOAN = 20  # s; a short loan is queued less and costs a visitor less quota


def lends_gpu() -> bool:
    """Whether this process is a Space on ZeroGPU."""
    asked = os.environ.get("SPACES_ZERO_GPU", "").lower()  # as spaces itself reads it
    return spaces is not None and asked in ("1", "t", "true")


def home_device() -> str | None:
    """Where the pipeline of an `Engine` is to be loaded; None leaves the choice to the loader.

    On ZeroGPU that is the CPU, however much a GPU seems to be there: it is there on loan only.
    """
    return "cpu" if lends_gpu() else None


class Engine:
    """Calls a pipeline for all visitors; in everything else it is the pipeline.

    One thread does all of the work, because a scheduler counts its steps: two flows would mix them
    up. And because every other thread that once coloured would keep memory for the next time.

    Args:
        pipeline: loaded on `home_device`.
        gpu: the device that is lent.
    """

    def __init__(self, pipeline: SketchColorPipeline, gpu: str = "cuda") -> None:
        self._pipeline, self._gpu = pipeline, gpu
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="colouring")
        self._colour_on_loan = (
            spaces.GPU(self._colour_on_gpu, duration=LOAN) if lends_gpu() else None
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)

    def __call__(
        self, *args: Any, callback: Callable[[int, int], None] | None = None, **kwargs: Any
    ) -> SketchColorOutput:
        """As the pipeline's own; on a GPU it is too short a work to be told of while it lasts."""
        visitor = contextvars.copy_context()  # whose progress it is, and whose quota
        return self._worker.submit(visitor.run, self._colour, args, kwargs, callback).result()

    def _colour(
        self, args: tuple, kwargs: dict[str, Any], callback: Callable[[int, int], None] | None
    ) -> SketchColorOutput:
        if self._colour_on_loan is not None:
            try:
                images, seeds = self._colour_on_loan(args, kwargs)
                return SketchColorOutput(images=images, seeds=seeds)
            except Exception as error:  # quota, queue, worker; the CPU tells of bad input
                logger.warning("No GPU, so the CPU colours: %s", first_line(error))
        return self._pipeline(*args, callback=callback, **kwargs)

    def _colour_on_gpu(
        self, args: tuple, kwargs: dict[str, Any]
    ) -> tuple[list[Image.Image], list[int]]:
        """Runs in a process of its own, whose move to the GPU leaves this one's weights alone."""
        output = self._pipeline.to(self._gpu)(*args, **kwargs)
        return output.images, output.seeds
