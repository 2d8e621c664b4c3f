"""The Palette tab: the colours of a picture, a file or one's own choice, held by the colouring."""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from sketchcolor.conditions.palette import Palette, from_image
from sketchcolor.conditions.palette_files import BUILT_IN, built_in, load_palette, save_palette
from sketchcolor.images import read_image
from sketchcolor.ui import palette_editor as board
from sketchcolor.ui import texts
from sketchcolor.ui.models import Models
from sketchcolor.ui.result import Handover, build_result_panel, reveal, save_colouring, stem_of
from sketchcolor.ui.session_buttons import (
    build_hidden_download,
    build_session_buttons,
    connect_saving,
    offer,
    read_session,
    unlock_after,
)
from sketchcolor.ui.widgets import (
    MODEL_QUEUE,
    NARROW,
    build_examples,
    build_settings,
    build_sketch_input,
    errors_as_sentences,
    refusal,
    report_progress,
    resolution_update,
)
from sketchcolor.ui.work import Work, colour_session, draw_seed, start_work

FIRST_PALETTE = "strawberry-milk"
FORMATS = (".gpl", ".json")


def palette_file(palette: Palette | None, ending: str) -> str:
    """A palette as a file in Gradio's cache; ``ending`` is one of ``FORMATS``.

    Raises:
        ValueError: there is no palette.
    """
    if palette is None:
        raise ValueError(texts.EMPTY_BOARD)
    name = f"palette{ending}"
    with tempfile.TemporaryDirectory() as folder:
        save_palette(palette, Path(folder, name))
        return save_bytes_to_cache(Path(folder, name).read_bytes(), name, get_upload_folder())


def build_tab(models: Models, examples: list[tuple[str, Path]], tab: str = "palette") -> Handover:
    """Lays the tab out inside the current Blocks and connects it.

    Args:
        models: to choose from; without any the page is up with its buttons out of use.
        examples: (title, path) of the sketches offered by one click.
        tab: begins the ids of the tab's components.

    Returns:
        The way to take the picture shown to another tab.
    """
    work_state = gr.State()
    narrow = {"size": "md", "min_width": NARROW}
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            sketch = build_sketch_input(tab)
            picked = build_examples(tab, examples, sketch)
            gr.Markdown(texts.PALETTE_HOWTO, elem_classes="subdued")
            swatches = board.build_board(tab, built_in(FIRST_PALETTE))
            ready = gr.Radio(
                [(name.replace("-", " ").capitalize(), name) for name in BUILT_IN],
                value=FIRST_PALETTE,
                label=texts.READY_PALETTES,
                elem_id=f"{tab}-ready",
            )
            with gr.Row():
                reference = gr.UploadButton(
                    texts.PALETTE_FROM_PICTURE,
                    file_types=["image"],
                    elem_id=f"{tab}-reference",
                    **narrow,
                )
                file = gr.UploadButton(
                    texts.PALETTE_FROM_FILE,
                    file_types=list(FORMATS),
                    elem_id=f"{tab}-file",
                    **narrow,
                )
            with gr.Row():
                savers = {
                    ending: gr.Button(
                        texts.SAVE_PALETTE.format(ending),
                        elem_id=f"{tab}-save-{ending.strip('.')}",
                        **narrow,
                    )
                    for ending in FORMATS
                }
            live = gr.Checkbox(True, label=texts.LIVE_PALETTE, elem_id=f"{tab}-live")
            press = gr.Button(
                texts.COLOUR_PALETTE,
                variant="primary",
                size="lg",
                interactive=bool(models),
                elem_id=f"{tab}-colour",
                elem_classes="colour-button",
            )
            settings = build_settings(tab, models.names)
        with gr.Column(min_width=300):
            panel = build_result_panel(tab)
            session = build_session_buttons(tab)
    palette_download = build_hidden_download(f"{tab}-palette-file")

    def colour(
        work: Work | None, sketch: str | None, colours: str, wishes: tuple, report: gr.Progress
    ) -> tuple:
        """Values for ``shown``. Work of the same sketch keeps its hints."""
        seed, variants, resolution, keep_lines, clean_paper, model, paint_background = wishes
        pipeline = models[model]
        if sketch is None:
            raise refusal(texts.NO_SKETCH)
        if work is None or Path(work.sketch).name != Path(sketch).name:
            work = Work(sketch=sketch, stem=stem_of(sketch), seed=0)
        work = replace(
            work,
            seed=draw_seed() if seed is None else seed,
            palette=board.palette_of(colours),
            resolution=resolution,
            keep_lines=keep_lines,
            clean_paper=clean_paper,
            paint_background=paint_background,
            model=model,
            coloured=True,
        )
        colouring = colour_session(
            pipeline, work.session(pipeline), variants, report_progress(report)
        )
        return *panel.show(save_colouring(colouring, work.stem)), work.seed, work

    def colour_pressed(
        work: Work | None,
        sketch: str | None,
        colours: str,
        *wishes: Any,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
    ) -> tuple:
        with errors_as_sentences():
            return colour(work, sketch, colours, wishes, progress)

    def colour_live(
        live: bool,
        work: Work | None,
        sketch: str | None,
        colours: str,
        *wishes: Any,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple:
        # Before the first picture there is nothing that could follow the palette.
        if not live or work is None or not work.coloured or sketch is None:
            return tuple(gr.skip() for _ in shown)
        with errors_as_sentences():
            if _same(board.palette_of(colours), work.palette):  # a lock, or another order
                return tuple(gr.skip() for _ in shown)
            seed, *others = wishes
            wishes = (work.seed if seed is None else seed, *others)
            return colour(work, sketch, colours, wishes, progress)

    def take_ready(name: str, colours: str) -> str:
        with errors_as_sentences():
            return board.take_in(colours, built_in(name))

    def take_reference(file: str, colours: str) -> tuple:
        with errors_as_sentences():
            return board.take_in(colours, from_image(read_image(file))), None

    def take_file(file: str, colours: str) -> tuple:
        with errors_as_sentences():
            return board.take_in(colours, load_palette(file)), None

    def load_session(file: str) -> tuple:
        with errors_as_sentences():
            loaded, stem = read_session(file, models)
            work = start_work(loaded, stem, models.name_for(loaded))
            return (
                work,
                work.sketch,
                board.write(board.swatches_of(loaded.palette)),
                None,
                loaded.seed,
                1,
                resolution_update(loaded.resolution),
                loaded.keep_lines,
                loaded.clean_paper,
                work.model,
                loaded.paint_background,
            )

    wanted = [work_state, sketch, swatches, *settings.inputs]
    shown = [*panel.outputs, settings.seed, work_state]
    private = {"api_visibility": "private"}
    running = {"outputs": shown, "show_progress_on": panel.slider, **MODEL_QUEUE, **private}
    pressed = {"fn": colour_pressed, "inputs": wanted, "js": reveal(panel.slider), **running}
    followed = {"fn": colour_live, "inputs": [live, *wanted], **running}

    quick = {"show_progress": "hidden", **private}
    taken = [
        ready.input(take_ready, [ready, swatches], swatches, **quick),
        reference.upload(take_reference, [reference, swatches], [swatches, ready], **quick),
        file.upload(take_file, [file, swatches], [swatches, ready], **quick),
    ]
    loading = session.load.upload(
        load_session,
        inputs=session.load,
        outputs=[work_state, sketch, swatches, ready, *settings.inputs],
        **private,
    )
    emptied = panel.buttons.another.click(**settings.empty_seed, **private)
    colourings = [
        press.click(**pressed),
        picked.success(**pressed),
        emptied.success(**pressed),
        loading.success(**pressed),
        swatches.input(**followed, trigger_mode="always_last"),
        *(event.success(**followed) for event in taken),
    ]
    for colouring in colourings:
        panel.unlock_after(colouring)
        unlock_after(colouring, work_state, [session.save])
    connect_saving(session, models, work_state)

    def save_as(ending: str, colours: str) -> str:
        with errors_as_sentences():
            return palette_file(board.palette_of(colours), ending)

    for ending, button in savers.items():
        offer(button, partial(save_as, ending), swatches, palette_download)
    return panel.handover


def _same(one: Palette | None, other: Palette | None) -> bool:
    """Whether the model is told the same."""
    if one is None or other is None:
        return one is other
    return all(map(torch.equal, one.to_tensors(), other.to_tensors()))
