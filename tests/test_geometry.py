"""Working sizes: scale, padding, whole multiples, and the way back."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from sketchcolor.geometry import Fit, fit, stretch
from sketchcolor.images import to_pil, to_tensor


@pytest.mark.parametrize(
    "size", [(512, 512), (3000, 2000), (33, 47), (16, 16), (32, 256), (256, 32), (6000, 750)]
)
def test_fit_keeps_area_and_aspect(size):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, size[::-1], np.uint8)
    padded, geometry = fit(Image.fromarray(noise), 256)
    width, height = geometry.scaled_size
    assert width * height == pytest.approx(256**2, rel=0.01)
    assert width / height == pytest.approx(size[0] / size[1], rel=0.01)
    assert padded.size == geometry.padded_size
    assert all(
        0 <= p - s < 32 and p % 32 == 0
        for p, s in zip(padded.size, geometry.scaled_size, strict=True)
    )
    pixels = np.asarray(padded)
    assert (pixels[height:] == pixels[height - 1]).all()
    assert (pixels[:, width:] == pixels[:, width - 1 : width]).all()


def test_crop_undoes_the_padding_exactly():
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    image = Image.fromarray(noise)
    padded, geometry = fit(image, 256)
    cropped = to_pil(geometry.crop(to_tensor(padded)))[0]
    scaled = image.resize(geometry.scaled_size, Image.Resampling.BICUBIC)
    assert np.array_equal(cropped, scaled)
    with pytest.raises(ValueError, match="pads to"):
        geometry.crop(torch.zeros(1, 3, 8, 8))


def test_apply_lays_other_pictures_on_the_same_grid():
    sketch = Image.new("L", (300, 200), 255)
    hints = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    hints.paste((255, 0, 0, 255), (0, 0, 150, 200))
    _, geometry = fit(sketch, 128)
    alpha = np.asarray(geometry.apply(hints, fill=(0, 0, 0, 0)))[..., 3]
    width, height = geometry.scaled_size
    assert alpha[:height, :width].mean() == pytest.approx(127.5, abs=3)
    assert not alpha[height:].any() and not alpha[:, width:].any()
    with pytest.raises(ValueError, match="this fit wants"):
        geometry.apply(Image.new("L", (200, 300)))


def test_thin_lines_survive_shrinking():
    page = Image.new("L", (3000, 2000), 255)
    ImageDraw.Draw(page).line((1501, 0, 1501, 2000), fill=0, width=1)
    padded, geometry = fit(page, 512)
    columns = 1 - np.asarray(padded)[:400].mean(0) / 255
    assert columns[: geometry.scaled_size[0]].sum() == pytest.approx(
        geometry.scaled_size[0] / 3000, rel=0.25
    )


@pytest.mark.parametrize(
    "size, tiles",
    [
        ((512, 512), (4, 4)),
        ((1000, 1010), (4, 4)),
        ((600, 1000), (3, 5)),
        ((1000, 750), (4, 3)),
        ((16, 128), (2, 12)),
    ],
)
def test_stretched_pages_are_whole_multiples_of_nearly_their_aspect(size, tiles):
    page, geometry = stretch(Image.new("L", size, 0), 256, 64)
    assert page.size == geometry.padded_size == geometry.scaled_size
    assert page.size == tuple(64 * n for n in tiles)
    assert np.asarray(page).max() == 0


def test_what_was_drawn_for_a_stretched_page_lands_in_its_place():
    page = Image.new("L", (600, 1000), 255)
    page.paste(0, (300, 500, 600, 1000))
    small, drawn_for = stretch(page, 256, 64)
    _, geometry = fit(page, 512)
    colours = torch.nn.functional.avg_pool2d(to_tensor(small), 4)
    moved = geometry.take_over(colours, drawn_for)
    assert moved.shape[2:] == geometry.padded_size[::-1]
    wanted = geometry.apply(page, fill=None)
    assert (moved - to_tensor(wanted)).abs().mean() < 0.02


def test_what_the_page_cuts_off_goes_on_in_the_padding():
    geometry = Fit((30, 20), (30, 20), (32, 32))
    leg = Image.new("RGB", (30, 20), "white")
    leg.paste((0, 0, 0), (10, 5, 14, 20))
    padded = np.asarray(geometry.apply(leg, fill=None))
    assert (padded[20:, 10:14] == 0).all() and (padded[20:, 14:] == 255).all()
    colours = geometry.take_over(to_tensor(leg), Fit((30, 20), (30, 20), (30, 20)))
    assert torch.equal(colours, to_tensor(Image.fromarray(padded)))
