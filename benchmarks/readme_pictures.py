"""Makes the pictures that README shows: sketches before and after colouring, and each tab.

``python -m benchmarks.readme_pictures`` writes them to ``docs/images``.

Needs Playwright and Debian's Chromium. Nothing shown is by other people: the sketches are the
app's examples, and the strokes are those in ``examples/strokes``.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.page import ROOT, serving
from benchmarks.screenshots import DONE, PATIENCE, SHOWN
from sketchcolor import load_pipeline
from sketchcolor.conditions.hint_files import load_hints
from sketchcolor.conditions.hints import from_strokes
from sketchcolor.conditions.palette_files import built_in
from sketchcolor.session import Session
from sketchcolor.ui.examples import FOLDER

FOLDER_OF_PICTURES = ROOT / "docs" / "images"
MOST_BYTES = 200_000
PANEL = (400, 533)  # px
WINDOW = {"width": 1280, "height": 1120}
AUTOMATIC = ("long_hair", 15)  # sketch and seed
HINTED = ("spiky_hair", 3, "tousled_hair")  # sketch, seed and strokes
IN_PALETTE = ("cat", 8, "autumn-hike")  # sketch, seed and palette


def sketch_of(name: str) -> Image.Image:
    return Image.open(FOLDER / f"{name}.png").convert("L")


def strokes_of(name: str) -> list:
    return load_hints(ROOT / "examples" / "strokes" / f"{name}.json")


def before_and_after() -> Image.Image:
    """A sketch and its automatic colouring, then a sketch with strokes and its colouring."""
    pipeline = load_pipeline()
    name, seed = AUTOMATIC
    panels = [sketch_of(name).convert("RGB"), pipeline(sketch_of(name), seed=seed).images[0]]
    name, seed, strokes = HINTED
    hinted, hints = sketch_of(name).convert("RGB"), strokes_of(strokes)
    layer = Image.fromarray(from_strokes(hints, hinted.size))
    hinted.paste(layer, mask=layer.getchannel("A"))
    panels += [hinted, pipeline(sketch_of(name), hints=hints, seed=seed).images[0]]
    strip = Image.new("RGB", (PANEL[0] * len(panels), PANEL[1]), "white")
    for number, panel in enumerate(panels):
        panel = panel.resize(PANEL, Image.Resampling.LANCZOS)
        strip.paste(panel, (PANEL[0] * number, 0))
    return strip


def sessions() -> dict[str, Session]:
    """The session to open in each tab that starts with a sketch."""
    automatic, (hinted, hinted_seed, strokes), (plain, seed, palette) = (
        AUTOMATIC,
        HINTED,
        IN_PALETTE,
    )
    return {
        "automatic": Session(sketch_of(automatic[0]), automatic[1]),
        "hints": Session(sketch_of(hinted), hinted_seed, strokes=strokes_of(strokes)),
        "palette": Session(sketch_of(plain), seed, palette=built_in(palette)),
    }


def open_tab(page: Page, tab: str, session: Path) -> None:
    """Opens a tab and waits until it shows a finished picture."""
    name, pictures = DONE[tab]
    if tab == "style":  # it takes the picture that the automatic tab has made
        page.get_by_role("tab", name=DONE["automatic"][0], exact=True).click()
        page.click("#automatic-restyle")
        page.locator("#style-gallery button").first.click()
    else:
        page.get_by_role("tab", name=name, exact=True).click()
        if tab == "automatic":  # this tab cannot load a session
            page.locator("#automatic-settings > button").click()
            page.wait_for_timeout(500)  # Gradio sets values a moment after settings are opened
            page.locator("#automatic-seed input").fill(str(AUTOMATIC[1]))
            page.locator("#automatic-settings > button").click()
            page.locator("#automatic-examples button").first.click()
        else:
            with page.expect_file_chooser() as chooser:
                page.click(f"#{tab}-load-session")
            chooser.value.set_files(session)
    expect(page.locator(f"#{tab}-download")).to_be_enabled(timeout=PATIENCE)
    expect(page.locator(f"#{tab}-note")).to_contain_text(" px · ", timeout=PATIENCE)
    while not page.locator(pictures).evaluate_all(SHOWN):
        page.wait_for_timeout(100)
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1500)  # until animations have ended and messages have disappeared


def write(picture: Image.Image, name: str) -> None:
    """Writes a picture as WebP in the best quality that takes at most ``MOST_BYTES``."""
    for quality in (92, 86, 80, 70, 60, 50):
        encoded = io.BytesIO()
        picture.convert("RGB").save(encoded, "WEBP", quality=quality, method=6)
        if encoded.tell() <= MOST_BYTES:
            break
    path = FOLDER_OF_PICTURES / f"{name}.webp"
    path.write_bytes(encoded.getvalue())
    print(path.relative_to(ROOT), encoded.tell(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        parser.error("there is no Chromium: apt-get install chromium")
    FOLDER_OF_PICTURES.mkdir(parents=True, exist_ok=True)
    write(before_and_after(), "before_after")
    with (
        tempfile.TemporaryDirectory() as name,
        serving(Path(name)) as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # The canvas needs WebGL, here rendered in software; root cannot use the sandbox.
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        page = browser.new_page(viewport=WINDOW, color_scheme="light")
        page.set_default_timeout(PATIENCE)
        page.goto(f"{served.address}?__theme=light")
        for tab, session in (sessions() | {"style": None}).items():
            file = Path(name) / f"{tab}.json"
            if session is not None:
                session.save(file)
            open_tab(page, tab, file)
            write(Image.open(io.BytesIO(page.screenshot())), tab)
        browser.close()


if __name__ == "__main__":
    main()
