"""A visitor's work in progress: a session as files, small enough for a page to keep as state."""

import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from sketchcolor.conditions.palette import Palette
from sketchcolor.images import read_sketch
from sketchcolor.layers.edits import Edit
from sketchcolor.session import Session, model_name
from sketchcolor.ui import hint_editor as editor
from sketchcolor.ui import texts
from sketchcolor.ui.settings import ColouringSettings
from sketchcolor.ui.widgets import refusal

if TYPE_CHECKING:
    from sketchcolor.pipeline import SketchColorPipeline

QUICK_PNG = 1  # compression of files that only the server reads


@dataclass(frozen=True)
class Work:
    """A session as files, small enough to be a visitor's state.

    Attributes:
        sketch: file of the sketch, the visitor's own or a PNG of what was read from it.
        stem: prefix of the names of downloads.
        settings: how it is coloured; the seed is set.
        layer: PNG file of the hints at the sketch's size, or None.
        drawn: fingerprint of the canvas that ``layer`` was read from or shown on.
        palette: colours to keep to, or None.
        edits: changes of the colours of parts, in their order.
        coloured: the page shows the picture of exactly this work.
        settled: the canvas is known to show ``layer``, which arrives there after the sketch.
    """

    sketch: str
    stem: str
    settings: ColouringSettings
    layer: str | None = None
    drawn: str = ""
    palette: Palette | None = field(default=None, compare=False)
    edits: tuple[Edit, ...] = ()
    coloured: bool = False
    settled: bool = field(default=True, compare=False)

    def with_seed(self, seed: int) -> "Work":
        """The work that makes one picture with this seed, coloured."""
        settings = replace(self.settings, seed=seed, variants=1)
        return replace(self, settings=settings, coloured=True)

    def session(self, pipeline: "SketchColorPipeline") -> Session:
        """The work as a session that is coloured by this model.

        Raises:
            gr.Error: the server no longer has the files.
        """
        if not all(Path(file).is_file() for file in (self.sketch, self.layer) if file):
            raise refusal(texts.EXPIRED)
        layer = Image.open(self.layer).convert("RGBA") if self.layer else None
        return Session(
            sketch=read_sketch(self.sketch),
            layer=layer,
            palette=self.palette,
            edits=self.edits,
            model=model_name(pipeline),
            revision=pipeline.revision,
            **self.settings.session_fields,
        )


def start_work(session: Session, stem: str, model: str | None = None) -> Work:
    """Work from a session, not coloured yet; its pictures become files.

    Args:
        session: sketch, conditions and settings.
        stem: prefix of the names of downloads.
        model: name of the model to colour with; None selects the page's first.
    """
    layer = session.hints
    return Work(
        sketch=_save(session.sketch, f"{stem}.png"),
        stem=stem,
        settings=ColouringSettings.from_session(session, model),
        layer=None if layer is None else _save(layer, "hints.png"),
        drawn=editor.fingerprint(editor.drawn_layer(editor.canvas(session.sketch, layer))),
        palette=session.palette,
        edits=session.edits,
        settled=layer is None,
    )


def read_canvas(work: Work, value: dict[str, Any] | None) -> Work:
    """The work with what is drawn on the canvas; equal to ``work`` if that has not changed.

    A canvas that does not show the hints of a loaded session yet does not delete them.

    Args:
        work: the work before.
        value: the canvas's value.

    Raises:
        ValueError: the canvas has another shape than the sketch.
    """
    drawn = editor.drawn_layer(value)
    if drawn is None and not work.settled:
        return work
    fingerprint = editor.fingerprint(drawn)
    if fingerprint == work.drawn:
        return replace(work, settled=True)
    layer = None
    if drawn is not None:
        with Image.open(work.sketch) as sketch:
            layer = _save(editor.to_sketch_size(drawn, sketch.size), "hints.png")
    return replace(work, layer=layer, drawn=fingerprint, settled=True)


def _save(image: Image.Image, name: str) -> str:
    """Writes a picture into Gradio's cache, see `save_colouring`, and returns the file's path."""
    encoded = io.BytesIO()
    image.save(encoded, "PNG", compress_level=QUICK_PNG)
    return save_bytes_to_cache(encoded.getvalue(), name, get_upload_folder())
