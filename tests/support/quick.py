"""A pipeline for code that is run as it stands, but sooner."""

from typing import Any

from sketchcolor import SketchColorOutput, SketchColorPipeline

RESOLUTION = 128


class Quick:
    """Calls a pipeline at a small working resolution, whatever is asked for."""

    def __init__(self, pipeline: SketchColorPipeline) -> None:
        self._pipeline = pipeline

    def __call__(self, *args: Any, **kwargs: Any) -> SketchColorOutput:
        return self._pipeline(*args, **kwargs | {"resolution": RESOLUTION})
