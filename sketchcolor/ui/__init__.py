"""The web page: one module per tab, the parts they share, and `build_demo` over them all."""

import os

# Gradio reads the variable when it is imported; with it the page sends no usage statistics.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from collections.abc import Sequence  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

import gradio as gr  # noqa: E402

from sketchcolor.images import MAX_BYTES
from sketchcolor.ui import (
    api,
    api_parts,
    automatic,
    health,
    hints,
    palette,
    part_viewer,
    recolour,
    style,
    texts,
    theme,
)
from sketchcolor.ui import hint_editor as editor
from sketchcolor.ui import palette_editor as palette_board
from sketchcolor.ui.examples import EXAMPLES
from sketchcolor.ui.models import Models

if TYPE_CHECKING:
    from sketchcolor.pipeline import SketchColorPipeline

QUEUE_SIZE = 32  # waiting visitors; the next one gets an error that the queue is full
HOUR = 3600  # s, interval at which old files are deleted
KEPT = 24 * HOUR  # s, age at which uploads and pictures count as old


def build_demo(
    pipelines: "Sequence[SketchColorPipeline]",
    notice: str | None = None,
    self_test: health.Outcome | None = None,
) -> gr.Blocks:
    """The whole page.

    Args:
        pipelines: the loaded models, shared by all visitors, who choose in the settings if there
            are several; without one the page says so and its colour buttons are disabled.
        notice: shown above the tabs.
        self_test: from `health.start_self_test`; if it fails, the page says so.

    Returns:
        The page with its queue set up; start it with ``launch(**launch_options())``.
    """
    models = Models(*pipelines)
    with gr.Blocks(title=texts.TITLE, delete_cache=(HOUR, KEPT)) as demo:
        gr.HTML(f"<h1>{texts.TITLE}</h1><p>{texts.TAGLINE}</p>", elem_id="title", padding=False)
        if not models:
            notice = texts.NO_MODEL
        if notice is not None:
            gr.Markdown(notice, elem_id="notice", elem_classes="model-notice")
        if self_test is not None and models:
            health.show_outcome(demo, self_test)
        with gr.Tabs() as tabs:
            with gr.Tab(texts.AUTOMATIC, id="automatic"):
                coloured = [automatic.build_tab(models, EXAMPLES)]
            with gr.Tab(texts.HINTS, id="hints"):
                coloured.append(hints.build_tab(models, EXAMPLES))
            with gr.Tab(texts.PALETTE, id="palette"):
                coloured.append(palette.build_tab(models, EXAMPLES))
            with gr.Tab(texts.COLOURS, id="recolour"):
                recoloured = recolour.build_tab(models)
            with gr.Tab(texts.STYLE, id="style"):
                styled = style.build_tab("style")
        for handover in coloured:
            recoloured.take_from(handover, tabs)
            styled.take_from(handover, tabs)
        api.build_endpoints(models)
        api_parts.build_endpoint(models)
        demo.unload(style.leave)
    return demo.queue(max_size=QUEUE_SIZE)


def launch_options(self_test: health.Outcome | None = None) -> dict[str, Any]:
    """Arguments for ``demo.launch``: theme, limits, MCP tools, no usage statistics.

    Args:
        self_test: its outcome is served at ``/health``; None leaves that address out.
    """
    routes = [] if self_test is None else [health.health_route(self_test)]
    return {
        "theme": theme.build_theme(),
        "css": theme.CSS + editor.CSS + palette_board.CSS + part_viewer.CSS,
        "max_file_size": MAX_BYTES,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": True,
        "app_kwargs": {
            "routes": routes,
            "exception_handlers": {OSError: health.answer_os_error},
        },
    }
