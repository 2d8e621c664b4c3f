"""The style pass: strength, own colours, regions, lines, sizes."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from sketchcolor.lineart.figure import figure_mask
from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.style.blend import StyleBlend, stylize
from sketchcolor.style.settings import Scale, Settings, Style
from sketchcolor.style.transfer import StyleTransfer

QUICK = Settings(scales=(Scale(128, 4),), normalised=True, learning_rate=1.0)


@pytest.fixture(scope="module")
def transfer() -> StyleTransfer:
    torch.manual_seed(0)
    return StyleTransfer(VGG19Features(channels=(4, 6, 8, 8, 8), pooling="average"))


@pytest.fixture
def sketch() -> Image.Image:
    page = Image.new("L", (200, 150), 255)
    ImageDraw.Draw(page).ellipse((60, 30, 140, 120), outline=0, width=4)
    return page


@pytest.fixture
def picture(sketch) -> Image.Image:
    page = Image.new("RGB", sketch.size, (90, 130, 190))
    ImageDraw.Draw(page).ellipse((60, 30, 140, 120), fill=(220, 170, 140))
    return page


@pytest.fixture
def styles() -> list[Style]:
    stripes = (np.arange(64) // 4 % 2)[:, None, None] * np.array([255, 180, 40])
    return [Style(Image.fromarray(np.broadcast_to(stripes, (64, 64, 3)).astype(np.uint8)))]


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_no_strength_is_the_picture(transfer, picture, styles):
    result = stylize(picture, styles, transfer, StyleBlend(strength=0.0), settings=QUICK)
    assert np.array_equal(pixels(result), pixels(picture))


def test_half_strength_lies_between(transfer, picture, styles):
    half, full = (
        pixels(stylize(picture, styles, transfer, StyleBlend(strength=s), settings=QUICK))
        for s in (0.5, 1.0)
    )
    assert np.abs(full - pixels(picture)).max() > 2
    assert np.abs(half - (full + pixels(picture)) / 2).max() <= 1


def test_kept_colours_change_in_lightness_alone(transfer, picture, styles):
    result = stylize(picture, styles, transfer, StyleBlend(keep_colours=True), settings=QUICK)
    before, after = (
        cv2.cvtColor(np.asarray(image, np.float32) / 255, cv2.COLOR_RGB2LAB)
        for image in (picture, result)
    )
    assert np.abs(after[..., 0] - before[..., 0]).max() > 0.5
    assert np.abs(after[..., 1:] - before[..., 1:]).mean() < 1.0


@pytest.mark.parametrize(("region", "inside"), [("figure", True), ("background", False)])
def test_a_region_keeps_the_style_to_itself(transfer, picture, styles, sketch, region, inside):
    result = stylize(picture, styles, transfer, StyleBlend(region=region), sketch, settings=QUICK)
    change = np.abs(pixels(result) - pixels(picture)).sum(axis=2)
    figure, paper = change[60:90, 85:115], change[5:20, 5:40]
    touched, untouched = (figure, paper) if inside else (paper, figure)
    assert touched.max() > 0 and untouched.max() == 0


def test_black_lines_stay_black(transfer, picture, styles, sketch):
    result = stylize(picture, styles, transfer, sketch=sketch, settings=QUICK)
    assert pixels(result)[np.asarray(sketch) == 0].max() == 0


def test_a_gap_in_the_outline_is_closed():
    page = Image.new("L", (400, 300), 255)
    draw = ImageDraw.Draw(page)
    draw.rectangle((100, 80, 300, 220), outline=0, width=3)
    draw.rectangle((198, 78, 200, 84), fill=255)  # three pixels of paper in the line
    mask = figure_mask(page)
    assert mask[150, 200] > 0.99 and mask[10, 10] < 0.01


def test_blank_and_black_pages_have_a_mask():
    assert figure_mask(Image.new("L", (50, 40), 255)).max() == 0.0
    assert figure_mask(Image.new("L", (50, 40), 0)).min() > 0.4


@pytest.mark.parametrize("size", [(700, 90), (90, 700), (257, 255), (130, 20)])
def test_the_result_has_the_pictures_size(transfer, picture, styles, size):
    assert stylize(picture.resize(size), styles, transfer, settings=QUICK).size == size


def test_large_pictures_keep_their_edges(transfer, picture, styles):
    large = picture.resize((1600, 1200), Image.Resampling.NEAREST)
    result = pixels(stylize(large, styles, transfer, settings=QUICK, resolution=128))
    # Across the vertical edge of the figure at half height, one pixel apart.
    row = pixels(large)[600]
    edge = int(np.abs(np.diff(row[:800], axis=0)).sum(axis=1).argmax())
    step, was = result[600, edge + 1] - result[600, edge], row[edge + 1] - row[edge]
    assert np.abs(step).sum() > 0.5 * np.abs(was).sum()  # as sharp, though levels end at 255


@pytest.mark.parametrize(
    ("blend", "options", "sentence"),
    [
        ({"strength": 1.5}, {}, "between 0 and 1"),
        ({"region": "sky"}, {}, "is no region of a style: use all, figure, background"),
        ({"region": "figure"}, {}, "only by its sketch"),
        ({}, {"resolution": 4000}, "working resolution"),
        ({}, {"sketch": Image.new("L", (9, 9))}, "in one size"),
    ],
)
def test_a_wrong_blend_gets_a_sentence(transfer, picture, styles, blend, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        stylize(picture, styles, transfer, StyleBlend(**blend), settings=QUICK, **options)
