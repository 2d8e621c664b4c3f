"""A pipeline that makes code with fixed settings run faster, for tests of the examples."""

from typing import Any

from sketchcolor import SketchColorOutput, SketchColorPipeline

RESOLUTION = 128


class Quick:
    """Calls a pipeline, always at a small working resolution."""

    def __init__(self, pipeline: SketchColorPipeline) -> None:
        self._pipeline = pipeline

    def __call__(self, *args: Any, **kwargs: Any) -> SketchColorOutput:
        return self._pipeline(*args, **kwargs | {"resolution": RESOLUTION})
