"""One call that colours a sketch and paints the colouring in a style.

Grover & Banker (section 6) leave it to future work "to integrate the two neural models to work as
a single entity"; here they are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from ..images import Source, read_image, read_sketch
from ..lineart.cleanup import clean_sketch
from ..pipeline import SketchColorOutput
from .blend import check_painting, stylize
from .network import load_style_network
from .optimisation import OnStep, Progress
from .pictures import BUILT_IN, built_in
from .settings import DEFAULT_RESOLUTION, FAST, Settings, Style, StyleBlend
from .transfer import StyleTransfer

if TYPE_CHECKING:
    from ..engine import Engine
    from ..pipeline import SketchColorPipeline

__all__ = ["StyledOutput", "StyledPipeline", "style_of"]


@dataclass
class StyledOutput(SketchColorOutput):
    """What a call returns.

    Attributes:
        images: PIL RGB pictures of the sketch's own size, painted in the style.
        seeds, parts, flats: as in :class:`SketchColorOutput`.
        coloured: the same pictures before they were painted.
    """

    coloured: list[Image.Image] | None = None


class StyledPipeline:
    """Colours a sketch and paints the colouring in a style, under the artist's own lines.

    It is called like the pipeline that it is made from.

    Args:
        pipeline: colours; see :func:`sketchcolor.load_pipeline`.
        styles: a built-in style's name, a picture, a :class:`Style`, or several of these.
        transfer: the engine; None loads the bundled network, or that of the environment variable
            ``SKETCHCOLOR_VGG19``.
        blend: how the painted style is blended with the colouring; None is ``StyleBlend()``.
        settings: see :data:`FAST`.
        resolution: px, longer side at which the style is painted.
        on_step: called after every iteration. If it returns False, that picture is left as far as
            it is painted, and the variants after it are left out of the result.

    Raises:
        ValueError: a setting is out of range, or a style picture cannot be read.
        ModelLoadError: the network cannot be loaded.

    Example:
        >>> from sketchcolor import StyledPipeline, load_pipeline
        >>> pipeline = StyledPipeline(load_pipeline(), "brush")
        >>> pipeline("sketch.png", seed=7).images[0].save("brushed.png")
    """

    def __init__(
        self,
        pipeline: SketchColorPipeline | Engine,
        styles: Style | Source | Sequence[Style | Source],
        transfer: StyleTransfer | None = None,
        blend: StyleBlend | None = None,
        settings: Settings = FAST,
        resolution: int = DEFAULT_RESOLUTION,
        on_step: OnStep | None = None,
    ) -> None:
        several = isinstance(styles, list | tuple)
        given = cast("Sequence[Style | Source]", styles if several else [styles])
        self.styles = [style_of(each) for each in given]
        check_painting(self.styles, resolution)
        self.pipeline, self.settings, self.resolution = pipeline, settings, resolution
        self.blend = blend or StyleBlend()
        self.transfer = transfer or StyleTransfer(load_style_network())
        self.on_step = on_step

    def __call__(self, sketch: Source, **colouring: Any) -> StyledOutput:
        """Colour one sketch and paint every variant in the style.

        Args:
            sketch: as of :meth:`SketchColorPipeline.__call__`.
            colouring: its other arguments, but for the form of the output. With ``lines="model"``
                no lines are laid on top. A variant's seed is that of its initial noise, too, if
                ``settings.start`` is ``noise``.

        Returns:
            :class:`StyledOutput`.

        Raises:
            ImageError: a picture cannot be read.
            ValueError: an argument is out of range, or the model does not take a condition.
        """
        if {"output_type", "return_dict"} & colouring.keys():
            raise ValueError("Painted pictures are PIL's: leave output_type and return_dict out.")
        original = read_sketch(sketch)
        result = self.pipeline(original, **colouring)
        drawing = original if colouring.get("clean_paper") is False else clean_sketch(original)
        keep_lines = self.blend.keep_lines and colouring.get("lines") != "model"
        blend = replace(self.blend, keep_lines=keep_lines)
        coloured = cast("list[Image.Image]", result.images)
        watch = _Watch(self.on_step)
        painted: list[Image.Image] = []
        for picture, seed in zip(coloured, result.seeds, strict=True):
            picture = stylize(
                picture,
                self.styles,
                self.transfer,
                blend,
                drawing,
                self.settings,
                self.resolution,
                seed,
                watch,
            )
            painted.append(picture)
            if watch.stopped:
                break
        done = len(painted)
        return StyledOutput(
            images=painted,
            seeds=result.seeds[:done],
            parts=result.parts and result.parts[:done],
            flats=result.flats and result.flats[:done],
            coloured=coloured[:done],
        )


class _Watch:
    """Passes the progress on and remembers whether the work was stopped."""

    def __init__(self, on_step: OnStep | None) -> None:
        self._on_step, self.stopped = on_step, False

    def __call__(self, progress: Progress) -> bool:
        self.stopped = self._on_step is not None and self._on_step(progress) is False
        return not self.stopped


def style_of(given: Style | Source) -> Style:
    """A style from the name of a built-in one, or from a picture.

    Raises:
        ImageError: the picture cannot be read.
    """
    if isinstance(given, Style):
        return given
    if isinstance(given, str) and given in BUILT_IN:
        return Style(built_in(given))
    return Style(read_image(given))
