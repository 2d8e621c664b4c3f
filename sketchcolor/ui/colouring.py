"""Colouring for a visitor or a program: a session in, pictures with their seeds and time out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import gradio as gr
from PIL import Image

from sketchcolor.conditions import Stroke
from sketchcolor.conditions.palette import Palette
from sketchcolor.images import Source, read_sketch
from sketchcolor.session import Session
from sketchcolor.ui import texts
from sketchcolor.ui.settings import ColouringSettings

if TYPE_CHECKING:
    from sketchcolor.pipeline import SketchColorPipeline
    from sketchcolor.style.styled import StyledPipeline

OnStep = Callable[[int, int], None]  # called with (step, total) while the network works


@dataclass(frozen=True)
class Colouring:
    """The result of one press of a colour button.

    Attributes:
        sketch: the visitor's sketch, mode L, own size.
        images: the variants, mode RGB, the sketch's size.
        seeds: the seed of each variant.
        seconds: time the colouring took.
    """

    sketch: Image.Image
    images: list[Image.Image]
    seeds: list[int]
    seconds: float


def colour_sketch(
    pipeline: "SketchColorPipeline | StyledPipeline",
    sketch: Source,
    settings: ColouringSettings,
    strokes: Sequence[Stroke] | None = None,
    palette: Palette | None = None,
    on_step: OnStep | None = None,
) -> Colouring:
    """Colours a sketch; without strokes and palette the model chooses all colours.

    Args:
        pipeline: the loaded model, or one that paints in a style, too; ``settings.model`` is not
            used.
        sketch: a drawing, or a photo or scan of one, as `images.read_sketch` takes it.
        settings: how to colour.
        strokes: colour hints in pixels of the sketch.
        palette: colours to keep to.
        on_step: reports progress.

    Returns:
        The variants at the sketch's own size.

    Raises:
        ImageError: the sketch cannot be used.
        ValueError: a setting or a condition is outside what the pipeline takes.
    """
    session = Session(
        sketch=read_sketch(sketch),
        strokes=strokes,
        palette=palette,
        **settings.with_seed().session_fields,
    )
    return colour_session(pipeline, session, settings.variants, on_step)


def colour_session(
    pipeline: "SketchColorPipeline | StyledPipeline",
    session: Session,
    variants: int = 1,
    on_step: OnStep | None = None,
) -> Colouring:
    """Colours a session's sketch under its hints and its palette.

    Args:
        pipeline: the loaded model, or one that paints in a style, too.
        session: sketch, conditions and settings.
        variants: number of colourings, the first with the session's seed.
        on_step: reports progress.

    Returns:
        The variants at the sketch's own size.

    Raises:
        ImageError: the sketch cannot be used.
        ValueError: a setting or a hint is outside what the pipeline takes.
    """
    start = time.perf_counter()
    output = pipeline(**session.arguments(), num_variants=variants, callback=on_step)
    images = cast("list[Image.Image]", output.images)
    return Colouring(session.sketch, images, output.seeds, time.perf_counter() - start)


def report_progress(progress: gr.Progress) -> OnStep:
    """A pipeline callback that moves the visitor's progress bar."""
    return lambda step, total: progress((step, total), desc=texts.COLOURING)
