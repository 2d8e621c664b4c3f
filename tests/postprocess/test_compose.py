"""The full-size picture: clean colour up to every line, and the artist's own lines on top."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketchcolor.postprocess.compose import colour_layer, keep_lines

LEFT, RIGHT = np.array([240, 200, 180]), np.array([60, 120, 200])


def two_regions(size: tuple[int, int], line: float, gap: tuple[float, float] | None = None):
    """Two flat colours parted by a curved, antialiased black line.

    Args:
        size: width and height in px.
        line: its thickness in px.
        gap: first and last height, in 0..1, between which the line is not drawn.

    Returns:
        Sketch (mode L), true colours (float H×W×3) and the distance to the line's centre (H×W px).
    """
    width, height = size
    y, x = np.mgrid[:height, :width]
    swing, phase = 0.1 * width, 6 / height
    offset = x - width / 2 - swing * np.sin(phase * y)
    distance = np.abs(offset) / np.hypot(1, swing * phase * np.cos(phase * y))
    lightness = np.clip(distance - line / 2 + 0.5, 0, 1)
    if gap:
        lightness[round(gap[0] * height) : round(gap[1] * height)] = 1
    sketch = Image.fromarray(np.rint(255 * lightness).astype(np.uint8))
    return sketch, np.where((offset < 0)[..., None], LEFT, RIGHT).astype(np.float32), distance


def network_colouring(sketch: Image.Image, truth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What a good network makes of it at working size: small, soft, with dark outlines."""
    picture = truth * (np.asarray(sketch, np.float32) / 255)[..., None]
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.rint(cv2.GaussianBlur(small, (0, 0), 0.9)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "line", "working"),
    [
        ((3000, 2000), 6, (627, 418)),
        ((1500, 1000), 2, (627, 418)),
        ((512, 512), 2, (512, 512)),
        ((300, 300), 2, (512, 512)),
    ],
)
def test_no_halo_and_no_blur_beside_a_line(size, line, working):
    sketch, truth, distance = two_regions(size, line)
    layer = colour_layer(network_colouring(sketch, truth, working), sketch)
    assert layer.size == size and layer.mode == "RGB"
    error = np.abs(np.asarray(layer) - truth).max(axis=2)
    assert error[distance > line / 2 + 3].max() <= 6
    assert error[distance > line / 2 + 1].max() <= 8


def test_two_regions_meet_in_the_middle_of_the_line():
    sketch, truth, distance = two_regions((1500, 1000), 10)
    layer = colour_layer(network_colouring(sketch, truth, (627, 418)), sketch)
    error = np.abs(np.asarray(layer) - truth).max(axis=2)
    assert (error[distance > 2.5] <= 8).mean() > 0.999


def test_plain_enlarging_would_leave_a_halo():
    """The check above can fail: the colouring merely enlarged is far off beside the line."""
    sketch, truth, distance = two_regions((1500, 1000), 6)
    small = network_colouring(sketch, truth, (627, 418))
    error = np.abs(cv2.resize(small, sketch.size) - truth).max(axis=2)
    assert error[(distance > 6) & (distance < 8)].mean() > 8


def test_narrow_strips_keep_their_own_colour():
    """A strip too narrow to be clear of outlines borrows from neither neighbour."""
    sketch = Image.new("L", (1200, 600), 255)
    pen = ImageDraw.Draw(sketch)
    for x in (598, 606):
        pen.line((x, 0, x, 600), fill=0, width=2)
    truth = np.full((600, 1200, 3), 250, np.float32)
    truth[:, 598:607] = (200, 30, 30)
    layer = np.asarray(colour_layer(network_colouring(sketch, truth, (600, 300)), sketch)).astype(
        int
    )
    assert (np.abs(layer[:, :590] - 250) <= 8).all() and (np.abs(layer[:, 615:] - 250) <= 8).all()
    inside = layer[:, 600:604]
    assert (inside[..., 0] - inside[..., 1] > 60).all()


def test_a_gap_in_the_line_makes_no_artefact():
    sketch, truth, distance = two_regions((1500, 1000), 4, gap=(0.45, 0.55))
    small = network_colouring(sketch, truth, (627, 418))
    layer = np.asarray(colour_layer(small, sketch)).astype(int)
    assert (np.abs(layer - truth).max(axis=2)[distance > 12] <= 8).all()
    # Within the gap every colour is a mixture of the two regions, as in the network's colouring.
    gap = layer[460:540]
    assert (gap >= np.minimum(LEFT, RIGHT) - 20).all() and (
        gap <= np.maximum(LEFT, RIGHT) + 20
    ).all()


def test_hatching_keeps_the_colour_between_its_lines():
    sketch, truth, distance = two_regions((1500, 1000), 4)
    pen = ImageDraw.Draw(sketch)
    for x in range(100, 500, 7):
        pen.line((x, 200, x + 100, 800), fill=60, width=2)
    colour = np.asarray(colour_layer(network_colouring(sketch, truth, (627, 418)), sketch)).astype(
        int
    )
    hatched = colour[300:700, 250:450].reshape(-1, 3).mean(0)
    assert hatched[0] > hatched[1] > hatched[2] and hatched[0] > 150  # darker, yet the left colour
    assert (np.abs(colour[:, 1100:] - RIGHT) <= 4).all()


@pytest.mark.parametrize("working", [(400, 300), (800, 600)])
def test_solid_black_stays_black_and_does_not_spill(working):
    sketch = Image.new("L", (800, 600), 255)
    ImageDraw.Draw(sketch).ellipse((250, 150, 550, 450), fill=0)
    truth = np.full((600, 800, 3), LEFT, np.float32)
    layer = colour_layer(network_colouring(sketch, truth, working), sketch)
    picture = np.asarray(keep_lines(layer, sketch)).astype(int)
    ink = np.asarray(sketch) == 0
    assert not picture[ink].any()
    assert (np.abs(picture[~ink] - LEFT) <= 8).all()


def test_wide_grey_areas_keep_the_network_colour():
    sketch = Image.new("L", (800, 600), 255)
    ImageDraw.Draw(sketch).rectangle((200, 150, 600, 450), fill=140)
    truth = np.full((600, 800, 3), LEFT, np.float32)
    truth[150:451, 200:601] = RIGHT
    white = Image.new("L", sketch.size, 255)
    layer = np.asarray(colour_layer(network_colouring(white, truth, (400, 300)), sketch)).astype(
        int
    )
    assert (np.abs(layer[200:400, 250:550] - RIGHT) <= 2).all()


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size", [(16, 128), (90, 70), (700, 100)])
def test_sketches_without_lines(level, size):
    colour = np.full((70, 90, 3), (10, 150, 250), np.uint8)
    layer = colour_layer(colour, Image.new("L", size, level))
    assert layer.size == size
    assert (np.abs(np.asarray(layer).astype(int) - (10, 150, 250)) <= 1).all()


def test_largest_page():
    sketch = Image.new("L", (6000, 6000), 255)
    ImageDraw.Draw(sketch).line((3000, 0, 3000, 6000), fill=0, width=12)
    small = np.full((512, 512, 3), LEFT, np.uint8)
    small[:, 256:] = RIGHT
    layer = np.asarray(colour_layer(small, sketch))
    assert layer.shape == (6000, 6000, 3)
    assert (layer[::50, :2990] == LEFT).all() and (layer[::50, 3010:] == RIGHT).all()


def test_keep_lines_is_exact_on_ink_and_on_paper():
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (200, 300, 3), np.uint8)
    lightness = rng.choice(np.array([0, 0, 128, 255], np.uint8), (200, 300))
    picture = np.asarray(keep_lines(Image.fromarray(colour), Image.fromarray(lightness)))
    assert not picture[lightness == 0].any()
    assert np.array_equal(picture[lightness == 255], colour[lightness == 255])
    half = lightness == 128
    assert np.abs(picture[half] - colour[half] * (128 / 255)).max() <= 0.5 + 1e-6


def test_keep_lines_refuses_other_sizes():
    with pytest.raises(ValueError, match="resize"):
        keep_lines(Image.new("RGB", (20, 10)), Image.new("L", (10, 20)))
