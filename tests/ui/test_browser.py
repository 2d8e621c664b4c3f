"""The served page in a real browser: what a visitor sees and clicks, on a desk and on a phone."""

import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from sketchcolor.ui import texts
from sketchcolor.ui.examples import EXAMPLES
from tests.support.served_page import PATIENCE, opened, served, shared_pipeline

DESK = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served(shared_pipeline(), tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture
def page(request, browser, address) -> Iterator[Page]:
    with opened(browser, address, **getattr(request, "param", DESK)) as page:
        expect(page.locator("#automatic-colour")).to_be_enabled(timeout=PATIENCE)
        yield page


def upload(page: Page, file) -> None:
    page.set_input_files("#automatic-sketch input[type=file]", file)
    expect(page.locator("#automatic-sketch img")).to_be_visible(timeout=PATIENCE)


def colour(page: Page, file) -> None:
    upload(page, file)
    page.click("#automatic-colour")
    wait_for_result(page)


def wait_for_result(page: Page, other_than: str = "") -> str:
    """Waits for a result with another note than the one given; gives its note."""
    note = page.locator("#automatic-note")
    if other_than:
        expect(note).not_to_have_text(other_than, timeout=PATIENCE)
    expect(note).to_have_text(re.compile(r"px · seed \d+ · [\d.]+ s"), timeout=PATIENCE)
    return note.inner_text().strip()


def download(page: Page):
    with page.expect_download() as waiting:
        page.click("#automatic-download")
    return waiting.value


def test_the_first_screen_says_what_to_do(page):
    expect(page).to_have_title(texts.TITLE)
    expect(page.get_by_role("heading", name=texts.TITLE)).to_be_visible()
    expect(page.get_by_text(texts.TAGLINE)).to_be_visible()
    expect(page.get_by_text("Drop your sketch here")).to_be_in_viewport()
    expect(page.get_by_role("button", name=texts.COLOUR)).to_be_in_viewport()
    expect(page.locator("#automatic-examples button")).to_have_count(len(EXAMPLES))
    expect(page.locator("#automatic-download")).to_be_disabled()
    expect(page.locator("#automatic-seed")).to_be_hidden()


def test_upload_colour_compare_download(page, sketch_file, example_sketch, tmp_path):
    colour(page, sketch_file)
    expect(page.locator("#automatic-slider img")).to_have_count(2)
    expect(page.locator("#automatic-slider img").first).to_be_visible()
    expect(page.locator("#automatic-choice")).to_be_hidden()
    seed = re.search(r"seed (\d+)", page.locator("#automatic-note").inner_text())[1]
    file = download(page)
    assert file.suggested_filename == f"girl-coloured-{seed}.png"
    file.save_as(tmp_path / "coloured.png")
    picture = Image.open(tmp_path / "coloured.png")
    assert picture.format == "PNG"
    assert picture.size == example_sketch.size


def test_variants_are_offered_and_picked(page, sketch_file):
    page.get_by_role("button", name=texts.SETTINGS).click()
    page.locator("#automatic-variants").get_by_text("3", exact=True).click()
    page.locator("#automatic-seed input").fill("20")
    colour(page, sketch_file)
    choice = page.locator("#automatic-choice button")
    expect(choice).to_have_count(3)
    assert download(page).suggested_filename == "girl-coloured-20.png"
    choice.nth(2).click()
    expect(page.locator("#automatic-note")).to_contain_text("seed 22")
    assert download(page).suggested_filename == "girl-coloured-22.png"


def test_another_colouring_has_a_new_seed(page, sketch_file):
    page.get_by_role("button", name=texts.SETTINGS).click()
    seed = page.locator("#automatic-seed input")
    expect(seed).to_have_value("")  # the page empties it once while it loads
    seed.fill("20")
    colour(page, sketch_file)
    note = page.locator("#automatic-note").inner_text().strip()
    assert "seed 20 " in note
    page.click("#automatic-another")
    assert "seed 20 " not in wait_for_result(page, other_than=note)
    expect(page.locator("#automatic-seed input")).to_have_value("")


def test_an_example_colours_at_once_and_again(page):
    example = page.locator("#automatic-examples button").first
    example.click()
    note = wait_for_result(page)
    width, height = Image.open(EXAMPLES[0][1]).size
    assert note.startswith(f"{width} × {height} px")
    expect(page.locator("#automatic-sketch img")).to_be_visible()
    example.click()
    wait_for_result(page, other_than=note)


def test_a_file_that_is_no_picture_is_told_in_a_toast(page, sketch_file, tmp_path):
    file = tmp_path / "notes.png"
    file.write_text("milk, eggs, ink")
    upload(page, file)
    page.click("#automatic-colour")
    toast = page.get_by_test_id("toast-body")
    expect(toast).to_contain_text("not a picture", timeout=PATIENCE)
    page.locator("#automatic-sketch").get_by_label("Remove Image").click()
    colour(page, sketch_file)


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_shows_all_tabs(page):
    names = [texts.AUTOMATIC, texts.HINTS, texts.PALETTE, texts.STYLE]
    for name in names:
        expect(page.get_by_role("tab", name=name, exact=True)).to_be_in_viewport()


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_needs_no_sideways_scrolling(page, sketch_file):
    def overflow() -> int:
        return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    assert overflow() <= 0
    page.get_by_role("button", name=texts.SETTINGS).click()
    page.locator("#automatic-variants").get_by_text("4", exact=True).click()
    assert overflow() <= 0
    colour(page, sketch_file)
    expect(page.locator("#automatic-choice button")).to_have_count(4)
    assert overflow() <= 0
    expect(page.locator("#automatic-slider")).to_be_in_viewport()
    parts = [page.locator(part) for part in ("#automatic-sketch", "#automatic-slider")]
    edges = [part.bounding_box()["x"] for part in parts]
    assert edges[0] == edges[1]  # stacked in one column
