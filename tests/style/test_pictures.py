"""The built-in style pictures: bundled as painted, each with a texture of its own."""

import cv2
import numpy as np
import pytest

from sketchcolor.style.pictures import BUILT_IN, built_in
from sketchcolor.style.pictures.__main__ import paint


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_bundled_picture_is_the_painted_one(name):
    # Shrunk, because lossy compression takes its liberties with the finest detail.
    bundled, painted = (
        np.asarray(image.reduce(4), np.float32) for image in (built_in(name), paint(name))
    )
    assert bundled.shape == (128, 128, 3)
    assert np.abs(bundled - painted).mean() < 5.0


def test_ink_is_grey_and_the_others_are_not():
    spread = {name: np.ptp(np.asarray(built_in(name), int), axis=2).mean() for name in BUILT_IN}
    assert spread["ink-wash"] < 20 < min(spread[name] for name in BUILT_IN[:3])


def test_the_halftone_repeats_at_its_screen():
    grey = cv2.cvtColor(np.asarray(built_in("halftone")), cv2.COLOR_RGB2GRAY).astype(np.float32)
    spectrum = np.abs(np.fft.fft2(grey - grey.mean()))[:256, :256]
    y, x = np.mgrid[:256, :256]
    ring = spectrum[np.abs(np.hypot(x, y) - 512 / 11) < 3].max()
    assert ring > 5 * np.median(spectrum[np.hypot(x, y) > 30])


def test_an_unknown_style_gets_a_sentence():
    with pytest.raises(ValueError, match="choose brush"):
        built_in("mosaic")
