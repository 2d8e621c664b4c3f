"""Serves the app on this machine, and helps tests to use it in a browser."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from playwright.sync_api import Browser, Page

from sketchcolor.models import VGG19Features
from sketchcolor.pipeline import SketchColorPipeline
from sketchcolor.style.transfer import StyleTransfer
from sketchcolor.ui import build_demo, launch_options, style
from sketchcolor.ui.health import Outcome
from tests.support.networks import tiny_proposer, tiny_refiner

PATIENCE = 120_000  # ms until a test fails; a busy machine may be slow
UNFOLDED = 1500  # ms; see `unfolded`
# Gradio's editor logs this error if the pointer moves over a layer that is not ready yet.
HARMLESS = "No draw texture found for layer"


def shared_pipeline() -> SketchColorPipeline:
    """A pipeline like the fixture ``tiny_pipeline``, for pages that a whole test module uses."""
    return SketchColorPipeline(tiny_refiner(), tiny_proposer(), FlowMatchEulerDiscreteScheduler())


@contextmanager
def served(
    pipeline: object, cache: Path, self_test: Outcome | None = None, others: Sequence[object] = ()
) -> Iterator[str]:
    """Serves the app with one or several models and its files in ``cache``; yields its address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(cache))
        patch.delenv("GRADIO_SERVER_PORT", raising=False)
        pipelines = [] if pipeline is None else [pipeline, *others]
        demo = build_demo(pipelines, self_test=self_test)
        try:
            _, address, _ = demo.launch(
                server_name="127.0.0.1",
                prevent_thread_lock=True,
                quiet=True,
                **launch_options(self_test),
            )
            yield address
        finally:
            demo.close()


@contextmanager
def served_with_tiny_styles(pipeline: object, cache: Path) -> Iterator[str]:
    """Like `served`, with a tiny VGG-19 of random weights, so that style transfer is fast."""
    torch.manual_seed(0)
    engine = StyleTransfer(VGG19Features(channels=(4, 6, 8, 8, 8), pooling="average"))
    with pytest.MonkeyPatch.context() as patch, served(pipeline, cache) as address:
        patch.setattr(style, "shared_transfer", lambda: engine)
        yield address


class Watched:
    """Calls a pipeline at a small resolution and records the arguments of each call."""

    model_id, revision = "tiny", None

    def __init__(self, pipeline, resolution: int):
        self.pipeline, self.resolution, self.calls = pipeline, resolution, []

    def __call__(self, *args, **kwargs):
        self.calls.append(kwargs)
        return self.pipeline(*args, **kwargs | {"resolution": self.resolution})


@contextmanager
def opened(browser: Browser, address: str, **options: object) -> Iterator[Page]:
    """Opens the page; at the end, checks that it logged no error and called no other host."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    errors, outside = [], []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda got: got.status >= 400 and errors.append(f"{got.status} {got.url}"))
    page.on("request", lambda asked: _is_outside(asked.url) and outside.append(asked.url))
    page.goto(address)
    yield page
    context.close()
    errors = [error for error in errors if error != HARMLESS]
    assert not errors, errors
    assert not outside, outside


def _is_outside(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1"


def downloaded(page: Page, button: str) -> tuple[str, bytes]:
    """Name and content of the file that a click on the button downloads."""
    with page.expect_download() as waiting:
        page.click(button)
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def next_call(page: Page, pipeline: Watched, before: int) -> dict:
    """Waits until a pipeline has been called more than ``before`` times; the last arguments."""
    for _ in range(PATIENCE // 100):
        if len(pipeline.calls) > before:
            return pipeline.calls[-1]
        page.wait_for_timeout(100)
    raise AssertionError("Nothing was coloured.")


def unfolded(page: Page) -> None:
    """Waits until settings that have just been opened can be changed.

    Gradio 6.31 sets their values some frames after it shows them, which would overwrite what a test
    has entered before.
    """
    page.wait_for_timeout(UNFOLDED)


def give_file(page: Page, button: str, file: Path) -> None:
    """Chooses a file in the dialog that a click on the button opens."""
    with page.expect_file_chooser() as chooser:
        page.click(button)
    chooser.value.set_files(file)
