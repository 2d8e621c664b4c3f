"""The small parts that all tabs use: picture boxes, the seed's box, errors as sentences."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
from gradio.data_classes import ImageData

from sketchcolor.ui import texts

logger = logging.getLogger(__name__)

# Arguments of every event that runs the model, in all tabs: one colouring at a time.
MODEL_QUEUE = {"concurrency_id": "model", "concurrency_limit": 1}
DEFAULT_RESOLUTION = 512
MAX_VARIANTS = 4
NARROW = 130  # px, minimum width of a button that shares its row on a phone


class FileInput(gr.Image):
    """An image box whose value is the path of the visitor's file, unchanged.

    Gradio would open the file before our code runs: a damaged one ends in a bare "Error", and
    converting transparent or 16-bit line art turns it black or white. `images` reads the file and
    raises a sentence for everything that can go wrong.
    """

    is_template = True  # shown by the browser as the gr.Image it is

    def preprocess(self, payload: ImageData | None) -> str | None:
        return payload.path if payload else None


class SeedInput(gr.Number):
    """A number box; a program that sends something else gets a sentence as its error."""

    is_template = True  # shown by the browser as the gr.Number it is

    def preprocess(self, payload: float | None) -> int | None:
        try:
            return super().preprocess(payload)
        except (TypeError, ValueError, OverflowError) as error:
            raise refusal(texts.NO_NUMBER) from error


def build_picture_input(
    label: str, placeholder: str, height: int, elem_id: str, webcam: bool = False
) -> FileInput:
    """A box for a picture, uploaded or pasted.

    Args:
        label: shown above it.
        placeholder: shown in it while it is empty.
        height: px.
        elem_id: its id on the page.
        webcam: it also takes photos and has a button to show the picture in full screen.
    """
    return FileInput(
        label=label,
        placeholder=placeholder,
        sources=["upload", "clipboard", *(["webcam"] if webcam else [])],
        type="filepath",
        image_mode=None,
        format="png",
        height=height,
        buttons=["fullscreen"] if webcam else [],
        webcam_options=gr.WebcamOptions(mirror=False),
        elem_id=elem_id,
    )


def refusal(sentence: str) -> gr.Error:
    """An error that is shown on the visitor's page and not logged by the server."""
    return gr.Error(sentence, print_exception=False)


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """Turns errors into sentences for the visitor; decorates event handlers, too.

    Raises:
        gr.Error: the sentence of a `ValueError`, which bad input raises; for anything else, which
            is logged, that something went wrong.
    """
    try:
        yield
    except gr.Error:
        raise
    except ValueError as error:
        raise refusal(str(error)) from error
    except Exception as error:
        logger.exception("A visitor's request failed.")
        raise refusal(texts.DISK_FULL if is_disk_full(error) else texts.UNEXPECTED) from error


def is_disk_full(error: Exception) -> bool:
    """Whether the disk or a quota leaves no space for a file."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
