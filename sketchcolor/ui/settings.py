"""The settings that every colouring tab shares: as values, as components, as event arguments."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import gradio as gr

from sketchcolor.sampling.seeds import variant_seeds
from sketchcolor.session import Session
from sketchcolor.ui import texts
from sketchcolor.ui.widgets import DEFAULT_RESOLUTION, MAX_VARIANTS, SeedInput


@dataclass(frozen=True)
class ColouringSettings:
    """How a sketch is coloured, in the order in which pages and endpoints pass the values.

    Attributes:
        seed: 0 or more, of the first variant, the next ones count on; None draws one.
        variants: number of colourings.
        resolution: side in px of the square area the network works at.
        keep_lines: put the sketch's own lines on top of the colours, untouched.
        clean_paper: remove shadows and grey paper from a photo or scan first.
        model: name of a model in `Models`; None selects the first.
        paint_background: colour the background around the figure, too.
    """

    seed: int | None = None
    variants: int = 1
    resolution: int = DEFAULT_RESOLUTION
    keep_lines: bool = True
    clean_paper: bool = True
    model: str | None = None
    paint_background: bool = False

    @classmethod
    def from_session(cls, session: Session, model: str | None) -> "ColouringSettings":
        """The settings of a session, for one colouring.

        Args:
            session: sketch, conditions and settings.
            model: name of the model to colour with, which may differ from the session's.
        """
        return cls(
            seed=session.seed,
            resolution=session.resolution,
            keep_lines=session.keep_lines,
            clean_paper=session.clean_paper,
            model=model,
            paint_background=session.paint_background,
        )

    @property
    def session_fields(self) -> dict[str, Any]:
        """Those that a `Session` has as well, as its arguments; the seed must be set."""
        return {
            "seed": self.seed,
            "resolution": self.resolution,
            "keep_lines": self.keep_lines,
            "clean_paper": self.clean_paper,
            "paint_background": self.paint_background,
        }

    def with_seed(self) -> "ColouringSettings":
        """The same settings, with a random seed where none is set."""
        return self if self.seed is not None else replace(self, seed=draw_seed())


def draw_seed() -> int:
    """A random seed."""
    return variant_seeds(None, 1)[0]


@dataclass(frozen=True)
class SettingControls:
    """The components for `ColouringSettings`, in a fold under the colour button."""

    seed: SeedInput
    variants: gr.Radio
    resolution: gr.Radio
    keep_lines: gr.Checkbox
    clean_paper: gr.Checkbox
    model: gr.Dropdown
    paint_background: gr.Checkbox

    @property
    def inputs(self) -> list[gr.components.Component]:
        """All of them, in the order of the fields of `ColouringSettings`."""
        return [getattr(self, field.name) for field in fields(ColouringSettings)]

    @property
    def without_seed(self) -> list[gr.components.Component]:
        """Those that change a picture whose seed stays."""
        return [
            self.resolution,
            self.keep_lines,
            self.clean_paper,
            self.model,
            self.paint_background,
        ]

    @property
    def empty_seed(self) -> dict[str, Any]:
        """Arguments for an event that empties the seed's box, in the browser alone."""
        return {
            "fn": None,
            "js": "() => null",
            "outputs": self.seed,
            "api_visibility": "private",
        }


def with_settings(function: Callable, *arguments: Any) -> Callable:
    """Makes an event handler, which gets a row of values, from a function that takes settings.

    Args:
        function: called with ``arguments``, the values of the event's first inputs, and the
            `ColouringSettings`.
        arguments: the same at every event.

    Returns:
        A function for an event whose inputs end with `SettingControls.inputs`.
    """
    count = len(fields(ColouringSettings))

    def handler(*values: Any) -> Any:
        settings = ColouringSettings(*values[-count:])
        return function(*arguments, *values[:-count], settings)

    return handler


def settings_update(settings: ColouringSettings) -> list[Any]:
    """Values for `SettingControls.inputs`."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    # A session may have a resolution that the radio does not offer otherwise.
    choices = list(texts.DETAIL_CHOICES)
    if settings.resolution not in (value for _, value in choices):
        choices.append((str(settings.resolution), settings.resolution))
    values["resolution"] = gr.update(choices=choices, value=settings.resolution)
    return list(values.values())


def build_settings(tab: str, models: list[str]) -> SettingControls:
    """Lays out the folded settings, with the defaults of `ColouringSettings`.

    Args:
        tab: prefix of the element ids.
        models: names to choose from; the first is the default, and a single one is not shown.
    """
    defaults = ColouringSettings()
    with gr.Accordion(texts.SETTINGS, open=False, elem_id=f"{tab}-settings"):
        variants = gr.Radio(
            list(range(1, MAX_VARIANTS + 1)),
            value=defaults.variants,
            label=texts.VARIANTS,
            elem_id=f"{tab}-variants",
        )
        resolution = gr.Radio(
            texts.DETAIL_CHOICES,
            value=defaults.resolution,
            label=texts.DETAIL,
            info=texts.DETAIL_INFO,
            elem_id=f"{tab}-resolution",
        )
        keep_lines = gr.Checkbox(
            defaults.keep_lines,
            label=texts.KEEP_LINES,
            info=texts.KEEP_LINES_INFO,
            elem_id=f"{tab}-keep-lines",
        )
        clean_paper = gr.Checkbox(
            defaults.clean_paper,
            label=texts.CLEAN_PAPER,
            info=texts.CLEAN_PAPER_INFO,
            elem_id=f"{tab}-clean-paper",
        )
        paint_background = gr.Checkbox(
            defaults.paint_background,
            label=texts.PAINT_BACKGROUND,
            info=texts.PAINT_BACKGROUND_INFO,
            elem_id=f"{tab}-paint-background",
        )
        seed = _build_seed(tab)
        model = gr.Dropdown(
            models,
            value=next(iter(models), None),
            label=texts.MODEL,
            visible=len(models) > 1,
            elem_id=f"{tab}-model",
        )
    # On load, because the browser shows a number without a value as 0 (Gradio 6.31). What a
    # visitor has typed by then stays.
    gr.on(
        None, None, js="(seed) => seed || null", inputs=seed, outputs=seed, api_visibility="private"
    )
    return SettingControls(
        seed, variants, resolution, keep_lines, clean_paper, model, paint_background
    )


def _build_seed(tab: str) -> SeedInput:
    return SeedInput(
        None,
        label=texts.SEED,
        info=texts.SEED_INFO,
        placeholder=texts.SEED_PLACEHOLDER,
        precision=0,
        elem_id=f"{tab}-seed",
    )
