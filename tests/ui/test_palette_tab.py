"""The Palette tab: its board without a browser, then a visitor who changes colours."""

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from sketchcolor.conditions.palette import Palette
from sketchcolor.conditions.palette_files import BUILT_IN, built_in, load_palette
from sketchcolor.ui import palette_editor as board
from sketchcolor.ui import texts
from sketchcolor.ui.palette import palette_file
from sketchcolor.ui.palette_controls import FIRST_PALETTE
from tests.support.served_page import (
    PATIENCE,
    Watched,
    downloaded,
    give_file,
    next_call,
    opened,
    served,
    shared_pipeline,
    unfolded,
)

RESOLUTION = 96


def palette(*weights: float) -> Palette:
    colors = np.arange(3 * len(weights), dtype=np.uint8).reshape(-1, 3)
    return Palette(colors, np.array(weights, np.float32))


def on_board(one: Palette) -> str:
    return board.write(board.swatches_of(one))


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_palette_survives_the_board_to_the_last_bit(name):
    wanted = built_in(name)
    told = board.palette_of(on_board(wanted))
    assert np.array_equal(told.colors, wanted.colors)
    assert np.array_equal(told.weights, wanted.weights)


def test_shares_are_shares_of_the_whole():
    told = board.palette_of(
        board.write([board.Swatch("#ff0000", 0.9), board.Swatch("#0000ff", 0.3)])
    )
    assert np.allclose(told.weights, [0.75, 0.25])


def test_the_model_is_told_heaviest_first_whatever_the_order_on_the_board():
    colors, weights = board.palette_of(on_board(palette(0.2, 0.5, 0.3))).to_tensors()
    assert torch.equal(weights[0, :3], torch.tensor([0.5, 0.3, 0.2]))
    assert ((colors[0, :3, 0] + 1) * 127.5).round().tolist() == [3, 6, 0]


def test_the_board_takes_the_nine_heaviest():
    swatches = board.swatches_of(palette(*[0.05] * 6, 0.2, *[0.1] * 5))
    assert len(swatches) == 9
    assert [s.weight for s in swatches].count(np.float32(0.05)) == 3


def test_locked_swatches_stay():
    value = board.write([board.Swatch("#112233", 0.4, True), board.Swatch("#445566", 0.6)])
    swatches = board.read(board.take_in(value, palette(*[0.1] * 10)))
    assert len(swatches) == 9
    assert swatches[0] == board.Swatch("#112233", 0.4, True)
    assert "#445566" not in [swatch.color for swatch in swatches]


def test_an_empty_board_is_no_palette(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    assert board.palette_of("[]") is None
    with pytest.raises(ValueError, match="empty"):
        palette_file(None, ".gpl")


def test_a_board_without_shares_gets_a_sentence():
    with pytest.raises(ValueError, match="share"):
        board.palette_of(board.write([board.Swatch("#ff0000", 0.0)]))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "{",
        "[1]",
        '[{"color": "red", "weight": 1, "locked": false}]',
        '[{"color": "#ff0000", "weight": NaN, "locked": false}]',
        '[{"color": "#ff0000", "weight": 7, "locked": false}]',
        json.dumps([{"color": "#ff0000", "weight": 0.1, "locked": False}] * 10),
    ],
)
def test_what_no_page_sends_gets_a_sentence(value):
    with pytest.raises(ValueError, match="reload the page"):
        board.read(value)


@pytest.fixture(scope="module")
def pipeline():
    return Watched(shared_pipeline(), RESOLUTION)


@pytest.fixture(scope="module")
def address(pipeline, tmp_path_factory):
    with served(pipeline, tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    with opened(browser, address, viewport={"width": 1280, "height": 1000}) as page:
        show_tab(page)
        yield page


def show_tab(page: Page) -> None:
    page.get_by_role("tab", name=texts.PALETTE).click()


def colour(page: Page, file) -> None:
    page.set_input_files("#palette-sketch input[type=file]", file)
    expect(page.locator("#palette-sketch img")).to_be_visible(timeout=PATIENCE)
    page.click("#palette-colour")
    expect(page.locator("#palette-note")).to_have_text(re.compile(r"seed \d+"), timeout=PATIENCE)
    expect(page.locator("#palette-download")).to_be_enabled(timeout=PATIENCE)


def test_the_picture_follows_the_palette(page, pipeline, sketch_file, tmp_path):
    colour(page, sketch_file)
    first = pipeline.calls[-1]
    assert first["palette"].to_hex() == built_in(FIRST_PALETTE).to_hex()

    calls = len(pipeline.calls)
    page.locator("#palette-board input[type=color]").first.fill("#12ab34")
    edited = next_call(page, pipeline, calls)
    assert edited["palette"].to_hex() == ["#12ab34", *first["palette"].to_hex()[1:]]
    assert edited["seed"] == first["seed"]

    calls = len(pipeline.calls)
    file = tmp_path / "two.json"
    file.write_text('{"colors": [{"color": "#ffeedd", "weight": 3}, {"color": "#332211"}]}')
    page.locator("#palette-board [data-act=lock]").first.click()
    give_file(page, "#palette-file", file)
    taken = next_call(page, pipeline, calls)
    assert taken["palette"].to_hex() == ["#12ab34", "#ffeedd", "#332211"]  # the lock held
    assert taken["seed"] == first["seed"]

    for ending in (".gpl", ".json"):
        name, content = downloaded(page, f"#palette-save-{ending[1:]}")
        assert name == f"palette{ending}"
        (tmp_path / name).write_bytes(content)
        assert load_palette(tmp_path / name).to_hex() == taken["palette"].to_hex()


def test_a_session_brings_palette_and_picture_again(page, pipeline, sketch_file, tmp_path):
    page.locator("#palette-settings button").first.click()
    unfolded(page)
    page.locator("#palette-paint-background input").check()
    colour(page, sketch_file)
    asked, (_, picture) = pipeline.calls[-1], downloaded(page, "#palette-download")
    name, session = downloaded(page, "#palette-save-session")
    (tmp_path / name).write_bytes(session)
    page.reload()
    show_tab(page)
    give_file(page, "#palette-load-session", tmp_path / name)
    expect(page.locator("#palette-download")).to_be_enabled(timeout=PATIENCE)
    assert downloaded(page, "#palette-download")[1] == picture
    again = pipeline.calls[-1]
    assert again["seed"] == asked["seed"]
    assert again["background"] == asked["background"] == "painted"
    assert all(map(torch.equal, again["palette"].to_tensors(), asked["palette"].to_tensors()))


def test_swatches_are_added_moved_and_removed_and_come_from_a_picture(page, tmp_path):
    swatches = page.locator("#palette-board [data-color]")

    def colors() -> list[str]:
        return swatches.evaluate_all("all => all.map(one => one.dataset.color)")

    before = colors()
    page.locator("#palette-board [data-act=right]").first.click()
    assert colors() == [before[1], before[0], *before[2:]]
    page.locator("#palette-board [data-act=remove]").first.click()
    assert colors() == [before[0], *before[2:]]
    page.locator("#palette-board [data-act=add]").click()
    assert len(colors()) == len(before)

    # A two-colour logo on nothing has two colours.
    logo = Image.new("RGBA", (80, 80))
    logo.paste((200, 30, 40, 255), (10, 10, 40, 70))
    logo.paste((20, 60, 160, 255), (40, 10, 60, 70))
    logo.save(tmp_path / "logo.png")
    give_file(page, "#palette-reference", tmp_path / "logo.png")
    expect(swatches).to_have_count(2, timeout=PATIENCE)
    assert colors() == ["#c81e28", "#143ca0"]
