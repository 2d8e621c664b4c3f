"""Paper round a figure: light tints go, painted backgrounds and the figure stay."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from sketchcolor.images import to_pil, to_tensor
from sketchcolor.postprocess.white_paper import whiten_paper

SIDE = 96


@pytest.fixture
def sketch() -> torch.Tensor:
    page = Image.new("L", (SIDE, SIDE), 255)
    ImageDraw.Draw(page).ellipse((24, 24, 72, 72), outline=0, width=3)
    return to_tensor(page)


def picture(background: tuple, figure: tuple) -> torch.Tensor:
    page = Image.new("RGB", (SIDE, SIDE), background)
    ImageDraw.Draw(page).ellipse((24, 24, 72, 72), fill=figure)
    return to_tensor(page)


def test_a_tint_goes_and_the_figure_stays(sketch):
    tinted = picture((230, 240, 225), (200, 90, 60))
    found = whiten_paper(tinted, sketch)
    assert (found[..., :16, :] > 0.99).all()
    inside = (slice(None), slice(None), slice(36, 60), slice(36, 60))
    assert torch.equal(found[inside], tinted[inside])


def test_a_palette_without_white_leaves_paper_white(sketch):
    yellow = picture((255, 250, 203), (60, 40, 110))  # what night-city makes of a page
    assert (whiten_paper(yellow, sketch)[..., :16, :] > 0.99).all()


def test_what_shines_over_an_outline_goes_and_what_is_inside_stays():
    side = 400
    page, painted = Image.new("L", (side, side), 255), Image.new("RGB", (side, side), "white")
    ImageDraw.Draw(painted).ellipse((94, 94, 306, 306), fill=(200, 90, 60))  # 6 px too far
    ImageDraw.Draw(page).ellipse((100, 100, 300, 300), outline=0, width=3)
    found = np.asarray(to_pil(whiten_paper(to_tensor(painted), to_tensor(page)))[0])
    assert (found[200, 94:98] > 240).all() and (found[200, 303:306] > 240).all()
    assert np.array_equal(found[120:280, 200], np.asarray(painted)[120:280, 200])


def test_light_skin_that_the_outside_flows_into_stays_skin():
    side, skin = 400, (255, 240, 228)
    page, painted = Image.new("L", (side, side), 255), Image.new("RGB", (side, side), "white")
    ImageDraw.Draw(painted).ellipse((100, 100, 300, 300), fill=skin)
    ImageDraw.Draw(page).arc((100, 100, 300, 300), 40, 320, fill=0, width=3)
    found = np.asarray(to_pil(whiten_paper(to_tensor(painted), to_tensor(page)))[0]).astype(int)
    assert np.abs(found[150:250, 120:260] - skin).max() <= 6


def test_paper_does_not_creep_through_an_open_outline():
    side = 400
    page, painted = Image.new("L", (side, side), 255), Image.new("RGB", (side, side), "white")
    ImageDraw.Draw(painted).ellipse((100, 100, 300, 300), fill=(200, 90, 60))
    ImageDraw.Draw(page).arc((100, 100, 300, 300), 20, 340, fill=0, width=3)  # open on the right
    found = np.asarray(to_pil(whiten_paper(to_tensor(painted), to_tensor(page)))[0])
    assert np.abs(found[200, 110:280].astype(int) - (200, 90, 60)).max() <= 2
    assert np.abs(found[108:112, 200].astype(int) - (200, 90, 60)).max() <= 2


def test_paper_does_not_bite_into_hair_through_a_gap():
    side, hair = 400, (200, 90, 60)
    page, painted = Image.new("L", (side, side), 255), Image.new("RGB", (side, side), "white")
    ImageDraw.Draw(painted).ellipse((100, 100, 300, 300), fill=hair)
    ImageDraw.Draw(page).arc((100, 100, 300, 300), -86, 266, fill=0, width=3)  # 14 px open above
    found = np.asarray(to_pil(whiten_paper(to_tensor(painted), to_tensor(page)))[0]).astype(int)
    assert np.abs(found[106:280, 200] - hair).max() <= 2


def test_light_colours_side_by_side_are_a_painted_background(sketch):
    page = np.array(Image.new("RGB", (SIDE, SIDE), (255, 250, 200)))
    page[:, : SIDE // 3] = (255, 190, 220)
    page[:, -SIDE // 3 :] = (190, 230, 255)
    painted = to_tensor(Image.fromarray(page))
    assert torch.equal(whiten_paper(painted, sketch), painted)


@pytest.mark.parametrize("background", [(90, 140, 220), (255, 200, 120), (0, 0, 0)])
def test_a_painted_background_stays(sketch, background):
    painted = picture(background, (200, 90, 60))
    assert torch.equal(whiten_paper(painted, sketch), painted)


def test_what_stands_before_the_paper_keeps_its_colour(sketch):
    tinted = np.array(Image.new("RGB", (SIDE, SIDE), (235, 235, 225)))
    tinted[:10, :10] = (120, 40, 160)  # a sticker in the corner
    found = whiten_paper(to_tensor(Image.fromarray(tinted)), sketch)
    corner = (found[0, :, 4, 4] + 1.0) * 127.5
    assert np.allclose(corner, (120, 40, 160), atol=2)
    assert (found[..., -10:, :] > 0.99).all()


def test_a_face_with_an_open_outline_keeps_its_skin():
    open_outline = Image.new("L", (SIDE, SIDE), 255)
    ImageDraw.Draw(open_outline).arc((24, 24, 72, 72), 60, 360, fill=0, width=3)
    face = picture((238, 236, 230), (255, 226, 205))
    found = whiten_paper(face, to_tensor(open_outline))
    assert torch.allclose(found[..., 48, 48], face[..., 48, 48], atol=0.04)
    assert (found[..., :16, :] > 0.99).all()


def test_a_background_coloured_in_part_leaves_the_rest_paper(sketch):
    page = np.array(Image.new("RGB", (SIDE, SIDE), (238, 230, 236)))
    page[:, : SIDE // 2] = (60, 110, 220)
    found = whiten_paper(to_tensor(Image.fromarray(page)), sketch)
    assert (found[..., :16, SIDE // 2 :] > 0.99).all()
    left = (found[0, :, 4, 4] + 1.0) * 127.5
    assert np.allclose(left, (60, 110, 220), atol=2)


def test_a_page_without_paper_is_left_alone():
    page = Image.new("L", (SIDE, SIDE), 255)
    ImageDraw.Draw(page).rectangle((0, 0, SIDE - 1, SIDE - 1), outline=0, width=3)
    tinted = picture((240, 235, 230), (200, 90, 60))
    assert torch.equal(whiten_paper(tinted, to_tensor(page)), tinted)


def test_each_picture_of_a_batch_by_itself(sketch):
    light, dark = picture((240, 240, 230), (9, 9, 9)), picture((40, 60, 90), (9, 9, 9))
    both = whiten_paper(torch.cat([light, dark]), sketch.expand(2, -1, -1, -1))
    assert torch.equal(both[:1], whiten_paper(light, sketch))
    assert torch.equal(both[1:], dark)


def clouded(radius: int, colour: tuple) -> torch.Tensor:
    painted = Image.new("RGB", (SIDE, SIDE), "white")
    ImageDraw.Draw(painted).ellipse((24, 24, 72, 72), fill=(200, 90, 60))
    ImageDraw.Draw(painted).ellipse((96 - radius, -radius, 96 + radius, radius), fill=colour)
    return to_tensor(painted)


def test_a_light_cloud_on_the_paper_goes(sketch):
    found = whiten_paper(clouded(20, (255, 225, 170)), sketch)
    assert (found[..., :20, 76:] > 0.98).all()
    assert (whiten_paper(clouded(60, (255, 225, 170)), sketch)[0, 2, 4, 80] < 0.5).all()
    assert (whiten_paper(clouded(20, (120, 40, 160)), sketch)[0, 1, 4, 90] < 0.0).all()


def test_paper_that_the_figure_cuts_off_is_told_by_its_tint():
    page = Image.new("L", (SIDE, SIDE), 255)
    for line in ((0, 48, 96, 48), (32, 48, 32, 96), (64, 48, 64, 96)):
        ImageDraw.Draw(page).line(line, fill=0, width=2)
    tinted = Image.new("RGB", (SIDE, SIDE), (235, 240, 228))
    tinted.paste((180, 60, 60), (65, 49, 96, 96))  # a sleeve
    found = whiten_paper(to_tensor(tinted), to_tensor(page))
    assert (found[..., :40, :] > 0.99).all() and (found[..., 60:, 4:24] > 0.99).all()
    assert (found[:, 1, 60:, 72:92] < 0.0).all()
    assert (found[..., 60:, 40:56] < 0.95).all()
