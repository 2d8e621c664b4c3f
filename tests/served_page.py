"""The page on a loopback port, for the tests that talk to it as visitors do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import tiny_proposer, tiny_refiner
from diffusers import FlowMatchEulerDiscreteScheduler

from sketchcolor.pipeline import SketchColorPipeline
from sketchcolor.ui import build_demo, launch_options


def shared_pipeline() -> SketchColorPipeline:
    """A pipeline like the fixture ``tiny_pipeline``, for pages that serve a whole module."""
    return SketchColorPipeline(tiny_refiner(), tiny_proposer(), FlowMatchEulerDiscreteScheduler())


@contextmanager
def served(pipeline: object, cache: Path) -> Iterator[str]:
    """Serves the page over ``pipeline`` with its files in ``cache``; gives its address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(cache))
        patch.delenv("GRADIO_SERVER_PORT", raising=False)
        demo = build_demo(pipeline)
        try:
            _, address, _ = demo.launch(
                server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options()
            )
            yield address
        finally:
            demo.close()
