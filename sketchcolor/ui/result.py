"""The result side of a tab: before and after, the variants to pick from, the PNG to download."""

import io
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from sketchcolor.ui import texts
from sketchcolor.ui.colouring import Colouring
from sketchcolor.ui.downloads import stem_of
from sketchcolor.ui.layer_downloads import LayerDownloads, build_layer_downloads
from sketchcolor.ui.widgets import NARROW, refusal
from sketchcolor.ui.work import Work

# The comparing slider shows at most this many px a side; the download has the picture's own size.
PREVIEW_SIDE = 2048
PNG_COMPRESSION = 3


@dataclass(frozen=True)
class Variant:
    """One saved variant.

    Attributes:
        picture: PNG file of full size.
        preview: PNG file for the screen, at most `PREVIEW_SIDE` px a side.
        note: the line under it.
        work: the session that makes it, or None for programs, which get no state.
    """

    picture: str
    preview: str
    note: str
    work: Work | None = None


@dataclass(frozen=True)
class SavedColouring:
    """A colouring as files that the browser can fetch; small enough to be a session's state.

    Attributes:
        before: file of the sketch for the screen.
        sketch: file of the sketch in full size.
        variants: in the order of their seeds.
    """

    before: str
    sketch: str
    variants: list[Variant]


def save_colouring(
    colouring: Colouring, source: str | Path, work: Work | None = None
) -> SavedColouring:
    """Writes a colouring as PNG files named after the sketch's file.

    The files go into Gradio's own cache under the hash Gradio would give them, so that they are
    neither copied again nor forgotten when the cache is cleared.

    Args:
        colouring: what to save.
        source: the visitor's file; ``girl.jpg`` gives ``girl-coloured-1234.png`` for seed 1234.
        work: that was coloured, or None for programs.

    Returns:
        The paths of the files, the variants in the colouring's order.
    """
    stem = stem_of(source)
    variants = []
    for image, seed in zip(colouring.images, colouring.seeds, strict=True):
        name = f"{stem}-coloured-{seed}.png"
        picture = save_png(image, name)
        preview = picture if _is_preview(image) else save_png(preview_of(image), name)
        note = texts.note(image.size, seed, colouring.seconds)
        variants.append(Variant(picture, preview, note, work and work.with_seed(seed)))
    sketch = save_png(colouring.sketch, f"{stem}.png")
    small = _is_preview(colouring.sketch)
    before = sketch if small else save_png(preview_of(colouring.sketch), f"{stem}.png")
    return SavedColouring(before, sketch, variants)


@dataclass(frozen=True)
class ResultButtons:
    """Colour with another seed, change colours, paint the result in a style, download it."""

    another: gr.Button
    recolour: gr.Button
    restyle: gr.Button
    download: gr.DownloadButton
    layers: LayerDownloads

    @property
    def all(self) -> list[gr.components.Component]:
        """In the order on the page."""
        return [
            self.another,
            self.recolour,
            self.restyle,
            self.download,
            *self.layers.buttons.values(),
        ]

    def handover(self, saved: gr.State) -> "Handover":
        """The picture shown, for another tab to take; ``saved`` belongs to it."""
        return Handover(self.recolour, self.restyle, self.download, self.layers, saved)


@dataclass(frozen=True)
class Handover:
    """The components that other tabs need to take the picture shown in this one.

    Attributes:
        recolour: the button that sends the picture to have its colours changed.
        restyle: the button that sends it to be painted in a style.
        picture: its value is the picture's file.
        layers: the buttons that download its layers.
        saved: state with the `SavedColouring` that the picture belongs to.
    """

    recolour: gr.Button
    restyle: gr.Button
    picture: gr.DownloadButton
    layers: LayerDownloads
    saved: gr.State


@dataclass(frozen=True)
class ResultPanel:
    """The components of the result side."""

    slider: gr.ImageSlider
    variants: gr.Gallery
    note: gr.Markdown
    buttons: ResultButtons
    saved: gr.State

    @property
    def outputs(self) -> list[gr.blocks.Block]:
        """The components that a colouring fills; the API returns all but the state."""
        return [self.slider, self.variants, self.buttons.download, self.note, self.saved]

    @property
    def handover(self) -> Handover:
        """The picture shown, for another tab to take."""
        return self.buttons.handover(self.saved)

    def unlock_after(self, colouring: gr.events.Dependency) -> None:
        """Enables the buttons once that event has shown a result.

        An event of its own, because updates of anything but values would reach the API's callers.
        """
        colouring.success(
            lambda saved: (
                gr.update(visible=saved is not None and len(saved.variants) > 1, selected_index=0),
                *[gr.update(interactive=saved is not None) for _ in self.buttons.all],
            ),
            inputs=self.saved,
            outputs=[self.variants, *self.buttons.all],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )


def build_result_panel(tab: str) -> ResultPanel:
    """Lays out the result side; ``tab`` is the prefix of the element ids."""
    slider = build_slider(tab, texts.RESULT)
    note = gr.Markdown(texts.RESULT_WAITING, elem_id=f"{tab}-note", elem_classes="subdued")
    variants = gr.Gallery(
        label=texts.CHOICE,
        show_label=False,
        visible=False,
        allow_preview=False,
        interactive=False,
        object_fit="contain",
        format="png",
        buttons=[],
        elem_id=f"{tab}-choice",
        elem_classes="thumbnails",
    )
    buttons = build_result_buttons(tab)
    panel = ResultPanel(slider, variants, note, buttons, gr.State())

    variants.select(
        choose_variant,
        inputs=panel.saved,
        outputs=[slider, buttons.download, note],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return panel


def panel_values(saved: SavedColouring) -> tuple:
    """Values for `ResultPanel.outputs`, with the first variant in the slider."""
    first = saved.variants[0]
    previews = [variant.preview for variant in saved.variants]
    return (saved.before, first.preview), previews, first.picture, first.note, saved


def choose_variant(saved: SavedColouring | None, event: gr.SelectData) -> tuple:
    """Values for slider, download and note when a variant is clicked.

    Raises:
        gr.Error: the server no longer has the colouring.
    """
    if saved is None:
        raise refusal(texts.EXPIRED)
    variant = saved.variants[event.index]
    return (saved.before, variant.preview), variant.picture, variant.note


def build_slider(tab: str, label: str) -> gr.ImageSlider:
    """A picture before and after, compared by moving the line between the two."""
    return gr.ImageSlider(
        label=label,
        type="filepath",
        image_mode=None,
        format="png",
        interactive=False,
        buttons=["fullscreen"],
        height=460,
        max_height=460,
        elem_id=f"{tab}-slider",
    )


def reveal(component: gr.components.Component) -> str:
    """JavaScript for an event that scrolls the component into view and passes the inputs on.

    On a phone the result lies below the fold. Gradio's own ``scroll_to_output`` also moves a page
    on which the result is in full view already.
    """
    target = f"document.getElementById('{component.elem_id}')"
    scroll = f"{target}.scrollIntoView({{behavior: 'smooth', block: 'nearest'}})"
    return f"(...inputs) => {{ {scroll}; return inputs; }}"


def build_result_buttons(tab: str) -> ResultButtons:
    """Lays the buttons out, disabled until there is a result."""
    narrow = {"interactive": False, "size": "md", "min_width": NARROW}
    with gr.Row():
        another = gr.Button(texts.ANOTHER, elem_id=f"{tab}-another", **narrow)
        recolour = gr.Button(texts.RECOLOUR, elem_id=f"{tab}-recolour", **narrow)
        restyle = gr.Button(texts.RESTYLE, elem_id=f"{tab}-restyle", **narrow)
        download = gr.DownloadButton(
            texts.DOWNLOAD, variant="primary", elem_id=f"{tab}-download", **narrow
        )
    return ResultButtons(another, recolour, restyle, download, build_layer_downloads(tab))


def _is_preview(image: Image.Image) -> bool:
    return max(image.size) <= PREVIEW_SIDE


def preview_of(image: Image.Image) -> Image.Image:
    """The picture, scaled down to `PREVIEW_SIDE` where it is larger."""
    if _is_preview(image):
        return image
    small = image.copy()
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.LANCZOS)
    return small


def save_png(image: Image.Image, name: str) -> str:
    """Writes a picture into Gradio's cache and returns the path of its PNG file."""
    encoded = io.BytesIO()
    image.save(encoded, "PNG", compress_level=PNG_COMPRESSION)
    return save_bytes_to_cache(encoded.getvalue(), name, get_upload_folder())
