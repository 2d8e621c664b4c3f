"""What every tab has in common: the sketch input, the settings, the examples, how errors are told.

A tab is one module with a pure function, callable without a browser, that gives a `Colouring`,
and a `build_tab` that lays out these parts and connects them.
"""

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from sketchcolor.ui import texts

logger = logging.getLogger(__name__)

# Every event that runs the network carries these, in every tab: one model, one colouring at a time.
MODEL_QUEUE = {"concurrency_id": "model", "concurrency_limit": 1}
DEFAULT_RESOLUTION = 512
MAX_VARIANTS = 4
SKETCH_HEIGHT = 360  # px
NARROW = 130  # px, the least width of a button that shares its row on a phone


class FileInput(gr.Image):
    """An image box that hands the visitor's file over untouched, as a path.

    Gradio would open the file before our code runs: a damaged one ends in a bare "Error", and
    converting transparent or 16-bit line art turns it black or white. `images` does the reading
    and has a sentence for everything that can go wrong.
    """

    is_template = True  # shown by the browser as the gr.Image it is

    def preprocess(self, payload: ImageData | None) -> str | None:
        return payload.path if payload else None


class SeedInput(gr.Number):
    """A number box that tells a program in a sentence when what it sent is none."""

    is_template = True  # shown by the browser as the gr.Number it is

    def preprocess(self, payload: float | None) -> int | None:
        try:
            return super().preprocess(payload)
        except (TypeError, ValueError, OverflowError) as error:
            raise refusal(texts.NO_NUMBER) from error


@dataclass(frozen=True)
class Settings:
    """The controls folded away under the colour button."""

    seed: SeedInput
    variants: gr.Radio
    resolution: gr.Radio
    keep_lines: gr.Checkbox
    clean_paper: gr.Checkbox
    model: gr.Dropdown
    paint_background: gr.Checkbox

    @property
    def inputs(self) -> list[gr.components.Component]:
        """In the order of the arguments after the sketch."""
        return [
            self.seed,
            self.variants,
            self.resolution,
            self.keep_lines,
            self.clean_paper,
            self.model,
            self.paint_background,
        ]

    @property
    def empty_seed(self) -> dict[str, Any]:
        """Arguments for an event that empties the seed's box, in the browser alone."""
        return {"fn": None, "js": "() => null", "outputs": self.seed}


def build_picture_input(
    label: str, placeholder: str, height: int, elem_id: str, webcam: bool = False
) -> FileInput:
    """A box for a file or a paste; with ``webcam`` for a shot, too, and to be looked at large."""
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


def build_sketch_input(tab: str) -> FileInput:
    """The box for the line art; ``tab`` begins its id on the page."""
    return build_picture_input(
        texts.SKETCH, texts.SKETCH_PLACEHOLDER, SKETCH_HEIGHT, f"{tab}-sketch", webcam=True
    )


def build_settings(tab: str, models: list[str]) -> Settings:
    """The folded settings, with the defaults of the page.

    Args:
        tab: begins the ids on the page.
        models: names to choose from; the first is the default, and one alone is not shown.
    """
    with gr.Accordion(texts.SETTINGS, open=False, elem_id=f"{tab}-settings"):
        variants = gr.Radio(
            list(range(1, MAX_VARIANTS + 1)),
            value=1,
            label=texts.VARIANTS,
            elem_id=f"{tab}-variants",
        )
        resolution = gr.Radio(
            texts.DETAIL_CHOICES,
            value=DEFAULT_RESOLUTION,
            label=texts.DETAIL,
            info=texts.DETAIL_INFO,
            elem_id=f"{tab}-resolution",
        )
        keep_lines = gr.Checkbox(
            True, label=texts.KEEP_LINES, info=texts.KEEP_LINES_INFO, elem_id=f"{tab}-keep-lines"
        )
        clean_paper = gr.Checkbox(
            True, label=texts.CLEAN_PAPER, info=texts.CLEAN_PAPER_INFO, elem_id=f"{tab}-clean-paper"
        )
        paint_background = gr.Checkbox(
            False,
            label=texts.PAINT_BACKGROUND,
            info=texts.PAINT_BACKGROUND_INFO,
            elem_id=f"{tab}-paint-background",
        )
        seed = SeedInput(
            None,
            label=texts.SEED,
            info=texts.SEED_INFO,
            placeholder=texts.SEED_PLACEHOLDER,
            precision=0,
            elem_id=f"{tab}-seed",
        )
        model = gr.Dropdown(
            models,
            value=next(iter(models), None),
            label=texts.MODEL,
            visible=len(models) > 1,
            elem_id=f"{tab}-model",
        )
    settings = Settings(
        seed, variants, resolution, keep_lines, clean_paper, model, paint_background
    )
    # On load, because the browser shows a number without a value as 0 (Gradio 6.31). What a quick
    # visitor has typed by then stays.
    gr.on(
        None, None, js="(seed) => seed || null", inputs=seed, outputs=seed, api_visibility="private"
    )
    return settings


def resolution_update(resolution: int) -> dict[str, Any]:
    """The radio set to a session's resolution, even to one that it does not offer otherwise."""
    choices = list(texts.DETAIL_CHOICES)
    if resolution not in (value for _, value in choices):
        choices.append((str(resolution), resolution))
    return gr.update(choices=choices, value=resolution)


def build_examples(
    tab: str, examples: list[tuple[str, Path]], sketch: FileInput
) -> gr.events.Dependency:
    """Thumbnails that fill the sketch box.

    Args:
        tab: begins the id on the page.
        examples: (title, path of the image) of each.
        sketch: the box to fill.

    Returns:
        The event after which the sketch box is filled; what shall follow hangs on its ``success``.
    """
    # Served where they lie: an installed package is outside the folders Gradio may copy from.
    gr.set_static_paths([path for _, path in examples])
    gr.HTML(texts.EXAMPLES, elem_classes="subdued", padding=False)
    gallery = gr.Gallery(
        [(str(path), title) for title, path in examples],
        label=texts.EXAMPLES,
        show_label=False,
        allow_preview=False,
        interactive=False,
        object_fit="contain",
        buttons=[],
        elem_id=f"{tab}-examples",
        elem_classes="thumbnails",
    )

    def pick(event: gr.SelectData) -> str:
        return str(examples[event.index][1])

    return gallery.select(
        pick, outputs=sketch, queue=False, show_progress="hidden", api_visibility="private"
    )


def report_progress(progress: gr.Progress) -> Callable[[int, int], None]:
    """A pipeline callback (step, total) that moves the visitor's progress bar."""
    return lambda step, total: progress((step, total), desc=texts.COLOURING)


def refusal(sentence: str) -> gr.Error:
    """An error for the visitor alone: a sentence on the page, nothing in the server's log."""
    return gr.Error(sentence, print_exception=False)


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """Shows bad input as its own sentence; anything unexpected is logged and told calmly."""
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
    """Whether there is no room left for a file, on the disk or by a quota."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
