"""The page without a mouse: every key press goes to what has the focus, which Tab moves."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from sketchcolor.ui import texts
from tests.support.served_page import (
    PATIENCE,
    Watched,
    opened,
    served_with_tiny_styles,
    shared_pipeline,
    unfolded,
)

RESOLUTION = 96
MOST_STEPS = 150  # presses of Tab to anything on the page
FOCUSED = "selector => document.activeElement.matches(selector)"
RING = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"


@pytest.fixture(scope="module")
def pipeline():
    return Watched(shared_pipeline(), RESOLUTION)


@pytest.fixture(scope="module")
def address(pipeline, tmp_path_factory):
    with served_with_tiny_styles(pipeline, tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    with opened(browser, address, viewport={"width": 1280, "height": 1000}) as page:
        expect(page.locator("#automatic-colour")).to_be_enabled(timeout=PATIENCE)
        yield page


def reach(page: Page, selector: str) -> None:
    """Presses Tab until what the selector names has the focus, and can be seen to have it."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED, selector):
            assert page.evaluate(RING), f"{selector} does not show that it has the focus"
            return
    raise AssertionError(f"{MOST_STEPS} presses of Tab do not lead to {selector}.")


def press(page: Page, selector: str, key: str = "Enter") -> None:
    reach(page, selector)
    page.keyboard.press(key)


def open_tab(page: Page, name: str) -> None:
    page.evaluate("document.activeElement.blur()")
    for _ in texts.AUTOMATIC, texts.HINTS, texts.PALETTE, texts.STYLE:
        reach(page, "[role=tab]")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"No key leads to the tab {name}.")


def wait_for_result(page: Page, tab: str) -> None:
    note = page.locator(f"#{tab}-note")
    expect(note).to_have_text(re.compile(r"\d+ × \d+ px · "), timeout=PATIENCE)


def fetch(page: Page, selector: str) -> str:
    """Presses a download button; gives the name of the file."""
    expect(page.locator(selector)).to_be_enabled(timeout=PATIENCE)
    reach(page, selector)
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    return waiting.value.suggested_filename


def test_an_example_is_coloured_and_downloaded(page):
    press(page, "#automatic-examples button")
    wait_for_result(page, "automatic")
    assert fetch(page, "#automatic-download").endswith(".png")


def test_settings_are_set(page, pipeline):
    press(page, "#automatic-examples button")
    wait_for_result(page, "automatic")
    page.evaluate("document.activeElement.blur()")
    press(page, "#automatic-settings > button")
    unfolded(page)
    reach(page, "#automatic-keep-lines input")
    page.keyboard.press("Space")
    reach(page, "#automatic-paint-background input")
    page.keyboard.press("Space")
    reach(page, "#automatic-seed input")
    page.keyboard.press("Control+A")
    page.keyboard.type("41")
    expect(page.locator("#automatic-keep-lines input")).not_to_be_checked()
    page.evaluate("document.activeElement.blur()")
    press(page, "#automatic-colour")
    expect(page.locator("#automatic-note")).to_have_text(re.compile(r"seed 41\b"), timeout=PATIENCE)
    assert pipeline.calls[-1]["lines"] == "model"
    assert pipeline.calls[-1]["background"] == "painted"


def test_a_swatch_is_changed_step_by_step(page, pipeline):
    open_tab(page, texts.PALETTE)
    press(page, "#palette-examples button")
    wait_for_result(page, "palette")
    before = pipeline.calls[-1]["palette"].weights
    reach(page, "#palette-board input[type=range]")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)  # the board is drawn anew after each
    share = page.locator("#palette-board input[type=range]").first
    expect(share).to_have_value(f"{before[0] + 0.03:.2f}")
    press(page, "#palette-board [data-act=lock]")
    expect(page.locator("#palette-board [data-act=lock]").first).to_have_attribute(
        "aria-pressed", "true"
    )
    page.keyboard.press("Enter")  # the lock still has the focus
    expect(page.locator("#palette-board [data-act=lock]").first).to_have_attribute(
        "aria-pressed", "false"
    )


def test_a_picture_is_painted_in_a_style(page):
    press(page, "#automatic-examples button")
    wait_for_result(page, "automatic")
    expect(page.locator("#automatic-restyle")).to_be_enabled(timeout=PATIENCE)
    press(page, "#automatic-restyle")
    expect(page.locator("#style-picture img")).to_be_visible(timeout=PATIENCE)
    press(page, "#style-gallery button")
    wait_for_result(page, "style")
    assert fetch(page, "#style-download").endswith("-styled.png")


def test_hints_are_reached_and_their_session_saved(page):
    open_tab(page, texts.HINTS)
    press(page, "#hints-examples button")
    wait_for_result(page, "hints")
    assert fetch(page, "#hints-save-session").endswith("-session.json")
