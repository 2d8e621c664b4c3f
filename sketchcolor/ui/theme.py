"""The theme of the page: warm greys and one accent colour, light and dark, system fonts only."""

import gradio as gr

CSS = """
.dark { --color-accent: var(--primary-500); }
.gradio-container { max-width: 1160px !important; margin: 0 auto !important; }
#title h1 { margin: 0; font-size: 1.75rem; font-weight: 650; letter-spacing: -0.02em; }
#title p { margin: 0.25rem 0 0; font-size: 1.1rem; color: var(--body-text-color-subdued); }
.model-notice { padding: 0.75rem 1rem; border-left: 4px solid var(--color-accent);
  background: var(--block-background-fill); }
.colour-button { min-height: 3.5rem; font-size: 1.2rem; }
#title .html-container, .subdued .html-container { padding: 0; }
.subdued, .subdued p { color: var(--body-text-color-subdued); }

/* The keyboard's focus is visible, in checkboxes as well. */
.gradio-container.gradio-container :focus-visible {
  outline: 2px solid var(--color-accent) !important;
  outline-offset: 2px; }

/* All tabs fit on a phone; Gradio would put the others into a menu. */
@media (max-width: 480px) {
  .tab-wrapper { max-width: calc(100vw - 4rem); }
  .tab-container button { padding-inline: 0.25rem !important; font-size: 0.8rem; } }

/* Small pictures: no frame, four in a row on any screen, the title on the lower edge. */
.thumbnails { border: 0; background: none; overflow: visible; }
.thumbnails .grid-wrap { min-height: 0; max-height: none; padding: 0; overflow: visible; }
.thumbnails .grid-container { gap: 0.5rem; grid-auto-rows: auto; grid-template-rows: none;
  grid-template-columns: repeat(4, 1fr); }
.thumbnails .thumbnail-item { aspect-ratio: 1; background: white; }
.thumbnails .caption-label { inset: auto 0 0 0; max-width: none; padding: 0.1rem 0;
  border: 0; border-radius: 0; font-size: 0.65rem; text-align: center; }
"""


def build_theme() -> gr.themes.Base:
    """The theme; it has no web font, so that the page makes no request to another host."""
    theme = gr.themes.Soft(
        primary_hue="teal",
        secondary_hue="teal",
        neutral_hue="stone",
        font=("ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "monospace"),
    )
    # Text on the background and on buttons has a contrast of at least 4.5 to 1.
    return theme.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_700",
        block_label_background_fill="*neutral_50",
        block_label_background_fill_dark="*neutral_800",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_label_text_weight="400",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        block_title_background_fill="none",
        block_title_padding="0",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_600",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_700",
        button_secondary_background_fill_hover="*neutral_50",
        button_secondary_background_fill_hover_dark="*neutral_600",
        button_secondary_text_color="*neutral_800",
        button_secondary_text_color_dark="*neutral_100",
        input_border_color="*neutral_300",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_600",
        checkbox_label_background_fill_selected="*primary_100",
        checkbox_label_background_fill_selected_dark="*primary_900",
        checkbox_label_text_color_selected="*neutral_900",
        checkbox_label_text_color_selected_dark="white",
        color_accent="*primary_700",
    )
