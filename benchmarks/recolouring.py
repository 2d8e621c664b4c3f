"""Measures how long it takes from choosing another colour for a part to the picture with it.

``python -m benchmarks.recolouring --sketch sketch.png -o benchmarks/recolouring.json``

Once in Chromium, from the choice to the drawn picture, and once without page and browser, what of
it is the server's own work. Needs Playwright and Debian's Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from benchmarks.machine import memory_mib
from benchmarks.page import serving
from sketchcolor import load_pipeline
from sketchcolor.training.hardware import processor
from sketchcolor.ui import recolouring, texts
from sketchcolor.ui.settings import ColouringSettings
from sketchcolor.ui.work import Work

CHANGES = 10
PATIENCE = 300_000  # ms
COLORS = [f"#{20 * i:02x}80{255 - 20 * i:02x}" for i in range(CHANGES)]
# Chooses a colour as the picker does; gives the ms until the viewer has drawn the answer.
CHOOSE = """(viewer, color) => new Promise(done => {
  const before = viewer.dataset.serial, start = performance.now();
  new MutationObserver(() => {
    if (viewer.dataset.serial !== before) done(performance.now() - start);
  }).observe(viewer, {attributes: true});
  const picker = viewer.querySelector('[data-part=color]');
  picker.value = color;
  picker.dispatchEvent(new Event('input', {bubbles: true}));
  picker.dispatchEvent(new Event('change', {bubbles: true}));
})"""


def in_browser(browser: Browser, address: str, sketch: Path) -> list[float]:
    """Milliseconds from the choice to the picture, for each of `COLORS`."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.set_input_files("#automatic-sketch input[type=file]", sketch)
    page.get_by_role("button", name=texts.COLOUR, exact=True).click()
    expect(page.locator("#automatic-recolour")).to_be_enabled(timeout=PATIENCE)
    page.click("#automatic-recolour")
    expect(page.locator("#recolour-download")).to_be_enabled(timeout=PATIENCE)
    page.locator("[data-part=parts] button").nth(1).click()  # the largest but paper
    return [page.locator("[data-serial]").evaluate(CHOOSE, color) for color in COLORS]


def on_server(sketch: Path) -> list[float]:
    """Milliseconds that the server works for each of `COLORS`."""
    work = Work(str(sketch), sketch.stem, ColouringSettings(seed=1))
    now, _ = recolouring.start(load_pipeline(), work)
    label = now.load().parts.parts[1].label
    times = []
    for color in COLORS:
        start = time.perf_counter()
        asked = {"act": "recolour", "label": label, "color": color, "drag": 1}
        now, edited, selected = recolouring.change(now, asked)
        now.show(edited, selected)
        times.append(1000 * (time.perf_counter() - start))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sketch", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        parser.error("there is no Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        server = on_server(arguments.sketch)
        with serving(Path(folder)) as page, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            seen = in_browser(browser, page.address, arguments.sketch)
            browser.close()
    with Image.open(arguments.sketch) as sketch:
        size = sketch.size
    measured = {
        "processor": processor(),
        "size": size,
        "browser_ms": {"median": round(statistics.median(seen)), "all": list(map(round, seen))},
        "server_ms": {"median": round(statistics.median(server)), "all": list(map(round, server))},
        "peak_mib": round(memory_mib("VmHWM")),
    }
    text = json.dumps(measured, indent=1)
    arguments.output.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
