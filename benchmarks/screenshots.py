"""Pictures of the page for people to look at, and the two that README shows.

``python -m benchmarks.screenshots --folder shots --readme docs``

Needs Playwright and Debian's Chromium. Each tab is coloured with our own example sketch, light and
dark, on a desk and on a phone.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.page import serving
from sketchcolor.ui import texts

WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
PATIENCE = 300_000  # ms; the style pass takes half a minute on a quiet machine
MAX_README_BYTES = 300 * 1000
README_PICTURES = {"automatic-light-desk": "page.webp", "hints-dark-desk": "hints.webp"}
DONE = {  # tab → (name of its button, where it shows that it is done)
    "automatic": (texts.AUTOMATIC, "#automatic-download"),
    "hints": (texts.HINTS, "#hints-download"),
    "palette": (texts.PALETTE, "#palette-download"),
    "style": (texts.STYLE, "#style-download"),
}


def shots(browser: Browser, address: str) -> Iterator[tuple[str, bytes]]:
    """(name, PNG) of each tab with a picture in it, in every scheme and width."""
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
    """Opens a tab and brings it to a finished picture with one click on an example."""
    name, download = DONE[tab]
    if tab == "style":  # the picture that the palette tab has just made
        page.click("#palette-restyle")
        page.locator("#style-gallery button").first.click()
    else:
        page.get_by_role("tab", name=name, exact=True).click()
        page.locator(f"#{tab}-examples button").first.click()
    expect(page.locator(download)).to_be_enabled(timeout=PATIENCE)
    expect(page.locator(f"#{tab}-note")).to_contain_text(" px · ", timeout=PATIENCE)


def small_webp(png: bytes) -> bytes:
    """A screenshot as WebP of at most ``MAX_README_BYTES``, as good as fits."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in (90, 80, 70, 60, 50):
        encoded = io.BytesIO()
        picture.save(encoded, "WEBP", quality=quality, method=6)
        if encoded.tell() <= MAX_README_BYTES:
            break
    return encoded.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="for all pictures, as PNG")
    parser.add_argument("--readme", type=Path, help="for README's two, as WebP")
    parser.add_argument("--model", help="folder or Hub id; the bundled model otherwise")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        parser.error("there is no Chromium: apt-get install chromium")
    for folder in filter(None, (arguments.folder, arguments.readme)):
        folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), arguments.model) as page,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # The canvas needs WebGL, here in software; a container's root has no sandbox.
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        for name, png in shots(browser, page.address):
            (arguments.folder / f"{name}.png").write_bytes(png)
            print(arguments.folder / f"{name}.png")
            if arguments.readme and name in README_PICTURES:
                (arguments.readme / README_PICTURES[name]).write_bytes(small_webp(png))
        browser.close()


if __name__ == "__main__":
    main()
