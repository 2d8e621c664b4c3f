"""Palettes that hold: a picture's main colours end where they were asked to be."""

import cv2
import numpy as np
import torch

from sketchcolor.conditions.palette import Palette, from_image
from sketchcolor.postprocess.palette_transfer import match, transfer_palette


def flat_picture(*colors: tuple[int, int, int]) -> np.ndarray:
    """Vertical bands of equal width, with a white margin."""
    picture = np.full((120, 120, 3), 255, np.uint8)
    edges = np.linspace(20, 100, len(colors) + 1).astype(int)
    for color, left, right in zip(colors, edges[:-1], edges[1:], strict=True):
        picture[20:100, left:right] = color
    return picture


def palette_of(*colors: tuple[int, int, int], weights=None) -> Palette:
    weights = weights or [1.0 / len(colors)] * len(colors)
    return Palette(np.array(colors, np.uint8), np.array(weights, np.float32))


def held(picture: np.ndarray, palette: Palette, is_guess: bool = False) -> np.ndarray:
    colour = torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1.0)[None]
    moved = transfer_palette(colour, *palette.to_tensors(), is_guess=is_guess)
    return ((moved[0].permute(1, 2, 0).numpy() + 1.0) * 127.5).round().astype(np.uint8)


def delta(a, b) -> float:
    pair = np.array([[a, b]], np.float32) / 255.0
    lab = cv2.cvtColor(pair, cv2.COLOR_RGB2LAB)[0]
    return float(np.linalg.norm(lab[0] - lab[1]))


def test_flat_colours_land_on_the_palette_and_paper_stays_white():
    picture = flat_picture((180, 120, 100), (90, 90, 140))
    wanted = palette_of((230, 80, 60), (40, 160, 90))
    result = held(picture, wanted)
    assert delta(result[60, 40], (230, 80, 60)) < 6.0
    assert delta(result[60, 80], (40, 160, 90)) < 6.0
    assert (result[5, 5] >= 254).all()


def test_a_gradient_stays_smooth():
    ramp = np.linspace(60, 200, 120).astype(np.uint8)
    picture = np.repeat(np.repeat(ramp[None, :, None], 120, axis=0), 3, axis=2)
    result = held(picture, palette_of((120, 40, 30), (240, 200, 120))).astype(int)
    assert np.abs(np.diff(result[60], axis=0)).max() < 12


def test_no_two_colours_share_a_partner():
    own = palette_of((250, 0, 0), (240, 10, 10), (0, 0, 250))
    wanted = palette_of((0, 0, 255), (255, 0, 0), (0, 250, 0))
    assert match(own, wanted).tolist() in ([1, 2, 0], [2, 1, 0])
    assert match(palette_of((250, 0, 0)), wanted).tolist() == [1]


def test_equal_colours_are_matched_by_their_share():
    own = palette_of((200, 0, 0), (190, 0, 0), weights=[0.8, 0.2])
    wanted = palette_of((0, 0, 200), (0, 0, 190), weights=[0.1, 0.9])
    assert match(own, wanted).tolist() == [1, 0]


def test_colours_of_weight_zero_are_not_asked_for():
    picture = flat_picture((180, 120, 100))
    wanted = palette_of((60, 160, 80), (255, 0, 255), weights=[1.0, 0.0])
    assert delta(held(picture, wanted)[60, 60], (60, 160, 80)) < 6.0


def test_the_result_is_nearer_to_its_palette_than_before():
    picture = flat_picture((200, 150, 130), (120, 90, 80), (70, 70, 90))
    wanted = palette_of((60, 120, 200), (230, 220, 90), (150, 40, 120))

    def error(image: np.ndarray) -> float:
        own = from_image(image, size=3)
        partners = wanted.colors[match(own, wanted)]
        return np.mean([delta(a, b) for a, b in zip(own.colors, partners, strict=True)])

    assert error(held(picture, wanted)) < 0.25 * error(picture)


SKIN, PINK, BROWN = (246, 214, 190), (235, 120, 160), (120, 80, 60)


def guess(picture: np.ndarray, palette: Palette) -> np.ndarray:
    return held(picture, palette, is_guess=True)


def test_a_guessed_palette_takes_no_skin_away_and_makes_none():
    picture, other = flat_picture(SKIN, BROWN), palette_of((205, 190, 225), (110, 60, 80))
    assert delta(held(picture, other)[60, 40], (205, 190, 225)) < 8.0
    assert delta(guess(picture, other)[60, 40], SKIN) < 8.0
    assert delta(guess(picture, other)[60, 80], (110, 60, 80)) < 8.0
    pale, skin = flat_picture((205, 190, 225), BROWN), palette_of(SKIN, (110, 60, 80))
    assert delta(held(pale, skin)[60, 40], SKIN) < 8.0
    assert delta(guess(pale, skin)[60, 40], (205, 190, 225)) < 8.0


def test_no_guess_turns_a_colour_into_quite_another_one_but_a_duller_one():
    picture, wanted = flat_picture(PINK, BROWN), palette_of((70, 60, 150), (110, 60, 80))
    assert delta(held(picture, wanted)[60, 40], (70, 60, 150)) < 6.0
    assert delta(guess(picture, wanted)[60, 40], PINK) < 6.0
    loud, wanted = flat_picture((90, 240, 70), BROWN), palette_of((120, 140, 110), (110, 60, 80))
    assert delta(guess(loud, wanted)[60, 40], (120, 140, 110)) < 6.0
