"""The result side of a tab: before and after, the variants to pick from, the PNG to take home."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from sketchcolor.ui import texts
from sketchcolor.ui.widgets import NARROW, refusal

# The comparing slider shows at most this many px a side; the download has the picture's own size.
PREVIEW_SIDE = 2048
PNG_COMPRESSION = 3
MAX_STEM = 50  # characters of the sketch's name kept; Gradio cuts file names at 200 bytes


@dataclass(frozen=True)
class Colouring:
    """What one press of a colour button gives.

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


@dataclass(frozen=True)
class Variant:
    """One saved variant: ``picture`` is a PNG file of full size, ``preview`` one for the screen."""

    picture: str
    preview: str
    note: str


@dataclass(frozen=True)
class SavedColouring:
    """A colouring as files that the browser can fetch; small enough to be a session's state.

    Attributes:
        before: the sketch for the screen. sketch: the sketch in full size.
    """

    before: str
    sketch: str
    variants: list[Variant]


def save_colouring(colouring: Colouring, source: str | Path) -> SavedColouring:
    """Writes a colouring as PNG files named after the sketch's file.

    The files go into Gradio's own cache under the hash Gradio would give them, so that they are
    neither copied again nor forgotten when the cache is cleared.

    Args:
        colouring: what to save.
        source: the visitor's file; ``girl.jpg`` gives ``girl-coloured-1234.png`` for seed 1234.
    """
    stem = stem_of(source)
    variants = []
    for image, seed in zip(colouring.images, colouring.seeds, strict=True):
        name = f"{stem}-coloured-{seed}.png"
        picture = save_png(image, name)
        preview = picture if _is_preview(image) else save_png(preview_of(image), name)
        variants.append(Variant(picture, preview, texts.note(image.size, seed, colouring.seconds)))
    sketch = save_png(colouring.sketch, f"{stem}.png")
    small = _is_preview(colouring.sketch)
    before = sketch if small else save_png(preview_of(colouring.sketch), f"{stem}.png")
    return SavedColouring(before, sketch, variants)


def stem_of(file: str | Path) -> str:
    """What the names of downloads begin with: the file's own name, safe in every file system."""
    return re.sub(r"[^\w.-]+", "_", Path(file).stem)[:MAX_STEM] or "sketch"


@dataclass(frozen=True)
class ResultButtons:
    """What can be done with a result: another one, a style over it, the PNG to take home."""

    another: gr.Button
    restyle: gr.Button
    download: gr.DownloadButton

    @property
    def all(self) -> list[gr.components.Component]:
        """In the order on the page."""
        return [self.another, self.restyle, self.download]


@dataclass(frozen=True)
class Handover:
    """A picture on its way to another tab.

    Attributes:
        press: sends it. picture: its value is the file of the picture shown.
        saved: state with the `SavedColouring` that the picture is of.
    """

    press: gr.Button
    picture: gr.DownloadButton
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
        """What `show` fills; the API gives all but the state."""
        return [self.slider, self.variants, self.buttons.download, self.note, self.saved]

    @property
    def handover(self) -> Handover:
        """The picture shown, for another tab."""
        return Handover(self.buttons.restyle, self.buttons.download, self.saved)

    def show(self, saved: SavedColouring) -> tuple:
        """Values for `outputs`, with the first variant in the slider."""
        first = saved.variants[0]
        previews = [variant.preview for variant in saved.variants]
        return (saved.before, first.preview), previews, first.picture, first.note, saved

    def unlock_after(self, colouring: gr.events.Dependency) -> None:
        """Once that event has shown a result, offers what can be done with it.

        A step of its own, because updates of anything but the value would reach the API's callers.
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
    """Lays out the result side; ``tab`` begins the ids on the page."""
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

    def choose(saved: SavedColouring | None, event: gr.SelectData) -> tuple:
        if saved is None:
            raise refusal(texts.EXPIRED)
        variant = saved.variants[event.index]
        return (saved.before, variant.preview), variant.picture, variant.note

    variants.select(
        choose,
        inputs=panel.saved,
        outputs=[slider, buttons.download, note],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return panel


def build_slider(tab: str, label: str) -> gr.ImageSlider:
    """Before and after, to compare by moving the line between them."""
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
    """JavaScript for an event: brings the component into view, passes the inputs on.

    On a phone the result lies below the fold. Gradio's own ``scroll_to_output`` also moves a page
    on which the result is in full view already.
    """
    target = f"document.getElementById('{component.elem_id}')"
    scroll = f"{target}.scrollIntoView({{behavior: 'smooth', block: 'nearest'}})"
    return f"(...inputs) => {{ {scroll}; return inputs; }}"


def build_result_buttons(tab: str) -> ResultButtons:
    """Lays the buttons out, out of use until there is a result."""
    narrow = {"interactive": False, "size": "md", "min_width": NARROW}
    with gr.Row():
        another = gr.Button(texts.ANOTHER, elem_id=f"{tab}-another", **narrow)
        restyle = gr.Button(texts.RESTYLE, elem_id=f"{tab}-restyle", **narrow)
        download = gr.DownloadButton(
            texts.DOWNLOAD, variant="primary", elem_id=f"{tab}-download", **narrow
        )
    return ResultButtons(another, restyle, download)


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
    """The PNG file of this name that the picture becomes in Gradio's cache."""
    encoded = io.BytesIO()
    image.save(encoded, "PNG", compress_level=PNG_COMPRESSION)
    return save_bytes_to_cache(encoded.getvalue(), name, get_upload_folder())
