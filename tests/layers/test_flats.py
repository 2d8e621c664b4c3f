"""Flats of line art that was enlarged: whole parts, and nothing unpainted along the lines."""

import cv2
import numpy as np
import pytest
from PIL import Image

from sketchcolor import load_pipeline
from sketchcolor.postprocess.specks import LARGEST_SPECK
from sketchcolor.ui.examples import EXAMPLES


@pytest.fixture(scope="module")
def stack():
    """Layers of the head of an example, at 300 %, by the bundled model."""
    with Image.open(dict(EXAMPLES)["Falling petals"]) as sheet:
        head = sheet.convert("L").crop((180, 120, 580, 520))
    large = head.resize((1200, 1200), Image.Resampling.LANCZOS)
    return load_pipeline(device="cpu")(large, seed=3, resolution=256).layers[0]


def test_every_pixel_of_a_part_has_its_colour_and_only_paper_is_transparent(stack):
    found = np.unique(stack.label)
    parts = {part.label: bytes.fromhex(part.color[1:]) for part in stack.parts.parts}
    assert len(found) > 5 and set(found) <= set(parts)
    packed = stack.flats.view(np.uint32)[..., 0]  # np.unique of rows takes long
    painted = {}
    for label in found:
        [colour] = np.unique(packed[stack.label == label])
        *rgb, alpha = colour.tobytes()
        assert bytes(rgb) == parts[label]
        assert alpha == 255 or label == 0
        painted[label] = colour
    assert len(np.unique(packed)) == len(set(painted.values()))


def test_no_part_has_specks_beside_the_lines(stack):
    for label in np.unique(stack.label):
        mask = (stack.label == label).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        areas = stats[1:, cv2.CC_STAT_AREA]
        assert len(areas) == 1 or areas.min() > LARGEST_SPECK
