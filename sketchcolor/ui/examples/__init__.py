"""Example sketches for the page, drawn by the code beside them.

``python -m sketchcolor.ui.examples`` draws them anew.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent

# (title, path of the 8-bit grey PNG), in the order the page shows them
EXAMPLES: list[tuple[str, Path]] = [
    ("Falling petals", FOLDER / "long_hair.png"),
    ("Tousled hair", FOLDER / "spiky_hair.png"),
    ("Twin tails", FOLDER / "twin_tails.png"),
    ("Little star", FOLDER / "chibi.png"),
    ("Straw hat", FOLDER / "straw_hat.png"),
    ("Witch", FOLDER / "witch.png"),
    ("Cat", FOLDER / "cat.png"),
    ("Young dragon", FOLDER / "dragon.png"),
]
