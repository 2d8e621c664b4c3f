"""What lies on a visitor's table: a session as files, so small that a page can keep it as state."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from sketchcolor.conditions.palette import Palette
from sketchcolor.images import read_sketch
from sketchcolor.sampling.seeds import variant_seeds
from sketchcolor.session import Session, model_name
from sketchcolor.ui import hint_editor as editor
from sketchcolor.ui import texts
from sketchcolor.ui.result import Colouring
from sketchcolor.ui.widgets import DEFAULT_RESOLUTION, refusal

if TYPE_CHECKING:
    from sketchcolor.pipeline import SketchColorPipeline

QUICK_PNG = 1  # compression of files that only the server reads


@dataclass(frozen=True)
class Work:
    """A session as files, small enough to be a visitor's state.

    Attributes:
        sketch: file of the sketch, the visitor's own or a PNG of what was read from it.
        stem: begins the names of what is downloaded.
        layer: PNG file of the hints at the sketch's size, or None.
        drawn: fingerprint of the canvas that ``layer`` was read from or shown on.
        palette: colours to keep to, or None.
        seed, resolution, keep_lines, clean_paper, paint_background: as in `Session`.
        model: name of one that the page offers, or None.
        coloured: whether the page shows the picture of just this.
        settled: whether the canvas is known to show ``layer``; it arrives there after the sketch.
    """

    sketch: str
    stem: str
    seed: int
    layer: str | None = None
    drawn: str = ""
    palette: Palette | None = field(default=None, compare=False)
    resolution: int = DEFAULT_RESOLUTION
    keep_lines: bool = True
    clean_paper: bool = True
    paint_background: bool = False
    model: str | None = None
    coloured: bool = False
    settled: bool = field(default=True, compare=False)

    def session(self, pipeline: "SketchColorPipeline") -> Session:
        """The session, made with this model."""
        if not all(Path(file).is_file() for file in (self.sketch, self.layer) if file):
            raise refusal(texts.EXPIRED)
        layer = Image.open(self.layer).convert("RGBA") if self.layer else None
        return Session(
            sketch=read_sketch(self.sketch),
            seed=self.seed,
            layer=layer,
            palette=self.palette,
            resolution=self.resolution,
            keep_lines=self.keep_lines,
            clean_paper=self.clean_paper,
            paint_background=self.paint_background,
            model=model_name(pipeline),
            revision=pipeline.revision,
        )


def colour_session(
    pipeline: "SketchColorPipeline",
    session: Session,
    variants: int = 1,
    on_step: Callable[[int, int], None] | None = None,
) -> Colouring:
    """Colours a session's sketch under its hints and its palette.

    Args:
        pipeline: the loaded model.
        session: sketch, wishes and settings; without wishes it is coloured automatically.
        variants: how many colourings, the first with the session's seed.
        on_step: called with (step, total) while the network works.

    Returns:
        The variants at the sketch's own size.

    Raises:
        ImageError: the sketch cannot be used.
        ValueError: a setting or a hint is outside what the pipeline takes.
    """
    start = time.perf_counter()
    output = pipeline(**session.arguments(), num_variants=variants, callback=on_step)
    return Colouring(session.sketch, output.images, output.seeds, time.perf_counter() - start)


def draw_seed() -> int:
    """A seed for whoever named none."""
    return variant_seeds(None, 1)[0]


def start_work(session: Session, stem: str, model: str | None = None) -> Work:
    """Puts a session on the table: its pictures become files, none of it is coloured yet.

    Args:
        session: pictures, wishes and settings.
        stem: begins the names of what is downloaded.
        model: name of the one to colour with; None is the page's first.
    """
    layer = session.hints
    return Work(
        sketch=_save(session.sketch, f"{stem}.png"),
        stem=stem,
        seed=session.seed,
        layer=None if layer is None else _save(layer, "hints.png"),
        drawn=editor.fingerprint(editor.drawn_layer(editor.canvas(session.sketch, layer))),
        palette=session.palette,
        resolution=session.resolution,
        keep_lines=session.keep_lines,
        clean_paper=session.clean_paper,
        paint_background=session.paint_background,
        model=model,
        settled=layer is None,
    )


def read_canvas(work: Work, value: dict[str, Any] | None) -> Work:
    """The work with what is on the canvas now; an equal work where that did not change.

    A canvas that does not show a loaded session's hints yet does not wipe them out.

    Raises:
        ValueError: the canvas has another shape than the sketch.
    """
    drawn = editor.drawn_layer(value)
    if drawn is None and not work.settled:
        return work
    print_of_it = editor.fingerprint(drawn)
    if print_of_it == work.drawn:
        return replace(work, settled=True)
    layer = None
    if drawn is not None:
        with Image.open(work.sketch) as sketch:
            layer = _save(editor.to_sketch_size(drawn, sketch.size), "hints.png")
    return replace(work, layer=layer, drawn=print_of_it, settled=True)


def _save(image: Image.Image, name: str) -> str:
    """The file that the picture becomes in Gradio's cache; see `save_colouring`."""
    encoded = io.BytesIO()
    image.save(encoded, "PNG", compress_level=QUICK_PNG)
    return save_bytes_to_cache(encoded.getvalue(), name, get_upload_folder())
