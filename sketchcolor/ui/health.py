"""The self-test: an example is coloured at startup; ``/health`` and the page show the outcome."""

import asyncio
import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from sketchcolor.ui import texts
from sketchcolor.ui.colouring import colour_sketch
from sketchcolor.ui.examples import EXAMPLES
from sketchcolor.ui.settings import ColouringSettings
from sketchcolor.ui.widgets import is_disk_full

if TYPE_CHECKING:
    from sketchcolor.pipeline import SketchColorPipeline

logger = logging.getLogger(__name__)

PATH = "/health"
INSUFFICIENT_STORAGE = 507  # HTTP

Outcome = Future[str | None]  # one sentence for visitors if the test failed, else None


def start_self_test(pipeline: "SketchColorPipeline | None") -> Outcome:
    """Colours an example in a thread, so that the page can be used meanwhile.

    Args:
        pipeline: the loaded model; it must take calls from several threads, see `engine.Engine`.

    Returns:
        The outcome to come.
    """
    outcome: Outcome = Future()
    outcome.set_running_or_notify_cancel()  # it cannot be cancelled by one of those who wait for it

    def run() -> None:
        outcome.set_result(fault_of(pipeline))

    threading.Thread(target=run, name="self-test", daemon=True).start()
    return outcome


def fault_of(pipeline: "SketchColorPipeline | None") -> str | None:
    """Colours an example; returns a sentence for visitors if that fails, and logs the reason."""
    if pipeline is None:
        return texts.NO_MODEL
    try:
        _, example = EXAMPLES[0]
        colouring = colour_sketch(pipeline, example, ColouringSettings(seed=0))
        picture = np.asarray(colouring.images[0])
        if picture.shape[1::-1] != colouring.sketch.size or not np.ptp(picture, axis=2).any():
            raise RuntimeError("The example came back without colours or in another size.")
    except Exception:
        logger.exception("The self-test failed.")
        return texts.SELF_TEST_FAILED
    return None


def show_outcome(demo: gr.Blocks, outcome: Outcome) -> None:
    """Lays out a notice inside ``demo`` that is shown when the self-test has failed."""
    notice = gr.Markdown(visible=False, elem_id="self-test", elem_classes="model-notice")

    async def update() -> dict:
        sentence = await asyncio.wrap_future(outcome)
        return gr.update(value=sentence, visible=sentence is not None)

    demo.load(update, outputs=notice, queue=False, show_progress="hidden", api_visibility="private")


def health_route(outcome: Outcome) -> Route:
    """``/health``: status 200 once the self-test has passed, else 503 and the fault as JSON."""

    async def answer(request: Request) -> JSONResponse:
        if not outcome.done():
            return JSONResponse({"status": "starting"}, status_code=503)
        if (fault := outcome.result()) is not None:
            return JSONResponse({"status": "failing", "fault": fault}, status_code=503)
        return JSONResponse({"status": "well"})

    return Route(PATH, answer)


async def answer_os_error(request: Request, error: OSError) -> PlainTextResponse:
    """Answers an upload for which the disk has no space; handlers use `errors_as_sentences`.

    Raises:
        OSError: the error has another cause.
    """
    if not is_disk_full(error):
        raise error
    logger.error("No room for an upload: %s", error.strerror)
    return PlainTextResponse(texts.DISK_FULL, status_code=INSUFFICIENT_STORAGE)
