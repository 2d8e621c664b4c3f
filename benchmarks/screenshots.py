"""Screenshots of every tab, to look at; those in README are made by ``readme_pictures``.

``python -m benchmarks.screenshots --folder shots``

Needs Playwright and Debian's Chromium. Each tab colours one of our example sketches, the hints tab
with a stroke. There is one screenshot of it in light and in dark colours, for a desktop and for a
phone each.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.page import serving
from sketchcolor.ui import texts

WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
PATIENCE = 300_000  # ms; the style pass takes half a minute on a quiet machine
DONE = {  # tab → (name of its button, selector of the pictures that it shows when it is done)
    "automatic": (texts.AUTOMATIC, "#automatic-slider img"),
    "hints": (texts.HINTS, "#hints-result img"),
    "palette": (texts.PALETTE, "#palette-slider img"),
    "recolour": (texts.COLOURS, ""),
    "style": (texts.STYLE, "#style-slider img"),
}
EXAMPLE, SEED = 1, 2  # index of the example with the tousled hair
LARGEST = 1  # swatch of the part that is taken up; the first is paper
HAIR, STROKE = 0.28, 60  # y as a share of the canvas's height; length in px
# True when the browser has loaded and decoded all pictures.
SHOWN = "pictures => pictures.length && pictures.every(each => each.complete && each.naturalWidth)"


def shots(browser: Browser, address: str) -> Iterator[tuple[str, bytes]]:
    """(name, PNG) of each tab with a finished picture, in every colour scheme and width."""
    for scheme in SCHEMES:
        for device, (width, height) in WIDTHS.items():
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.set_default_timeout(PATIENCE)
            page.goto(f"{address}?__theme={scheme}")
            for tab in DONE:
                fill(page, tab)
                page.mouse.move(0, 0)
                yield f"{tab}-{scheme}-{device}", page.screenshot(full_page=device == "phone")
            page.close()


def fill(page: Page, tab: str) -> None:
    """Opens a tab, clicks on an example and waits until the tab shows a finished picture."""
    name, pictures = DONE[tab]
    if tab == "recolour":  # it takes the picture that the palette tab has just made
        page.click("#palette-recolour")
        expect(page.locator("#recolour-download")).to_be_enabled(timeout=PATIENCE)
        page.locator("[data-part=parts] button").nth(LARGEST).click()
        return
    if tab == "style":  # so does this one
        page.get_by_role("tab", name=texts.PALETTE, exact=True).click()
        page.click("#palette-restyle")
        page.locator("#style-gallery button").first.click()
    else:
        page.get_by_role("tab", name=name, exact=True).click()
        if tab != "hints":  # that tab draws a new seed when a sketch is opened
            set_seed(page, tab)
        page.locator(f"#{tab}-examples button").nth(EXAMPLE).click()
    expect(page.locator(f"#{tab}-download")).to_be_enabled(timeout=PATIENCE)
    expect(page.locator(f"#{tab}-note")).to_contain_text(" px · ", timeout=PATIENCE)
    if tab == "hints":
        set_seed(page, tab)
        # Without a new colouring, strokes would keep the seed of the last one.
        change(page, lambda: page.click(f"#{tab}-colour"))
        change(page, lambda: paint(page))
    while not page.locator(pictures).evaluate_all(SHOWN):
        page.wait_for_timeout(100)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(500)  # until animations have ended


def set_seed(page: Page, tab: str) -> None:
    """Opens the settings, enters ``SEED`` and closes them again."""
    page.locator(f"#{tab}-settings > button").click()
    page.wait_for_timeout(500)  # Gradio sets values a moment after settings are opened
    page.locator(f"#{tab}-seed input").fill(str(SEED))
    page.locator(f"#{tab}-settings > button").click()


def change(page: Page, act: Callable[[], None]) -> None:
    """Does something and waits until the picture has changed."""
    picture = page.locator("#hints-result img")
    before = picture.get_attribute("src")
    act()
    expect(picture).not_to_have_attribute("src", before, timeout=PATIENCE)


def paint(page: Page) -> None:
    """Paints one horizontal stroke over the hair."""
    canvas = page.locator("#hints-editor canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + HAIR * box["height"]
    page.mouse.move(x - STROKE / 2, y)
    page.mouse.down()
    page.mouse.move(x + STROKE / 2, y, steps=12)
    page.mouse.up()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="for all pictures, as PNG")
    parser.add_argument("--model", help="folder or Hub id; the bundled model otherwise")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        parser.error("there is no Chromium: apt-get install chromium")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), arguments.model) as page,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # The canvas needs WebGL, here rendered in software; root cannot use the sandbox.
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        for name, png in shots(browser, page.address):
            (arguments.folder / f"{name}.png").write_bytes(png)
            print(arguments.folder / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
