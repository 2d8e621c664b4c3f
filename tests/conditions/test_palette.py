"""Palettes from pictures."""

import numpy as np
from PIL import Image

from sketchcolor.conditions import Palette, from_image
from sketchcolor.conditions.palette import simulate


def flag() -> Image.Image:
    picture = Image.new("RGB", (90, 60), (220, 30, 40))
    picture.paste((20, 60, 200), (0, 0, 30, 60))
    return picture


def test_colours_and_weights_of_a_flag():
    palette = from_image(flag())
    assert np.abs(palette.colors[0].astype(int) - (220, 30, 40)).max() <= 3
    assert abs(palette.weights[0] - 2 / 3) < 0.05
    assert np.isclose(palette.weights.sum(), 1)
    assert (np.diff(palette.weights) <= 0).all()


def test_paper_and_transparency_do_not_count():
    picture = Image.new("RGBA", (100, 100), (255, 255, 255, 255))
    picture.paste((10, 160, 90, 255), (40, 40, 70, 70))
    picture.paste((250, 0, 250, 0), (0, 0, 30, 100))
    palette = from_image(picture)
    assert np.abs(palette.colors[0].astype(int) - (10, 160, 90)).max() <= 8
    assert not ((palette.colors == (250, 0, 250)).all(axis=1)).any()


def test_blank_pictures_still_have_a_palette():
    for picture in (
        Image.new("RGB", (50, 50), "white"),
        Image.new("RGBA", (50, 50)),
        Image.new("1", (3, 1)),
    ):
        palette = from_image(picture)
        assert 1 <= len(palette.colors) <= 9 and np.isfinite(palette.weights).all()


def test_seeded_and_limited():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (64, 64, 3), np.uint8)
    first, again = from_image(picture, 5, seed=3), from_image(picture, 5, seed=3)
    assert (first.colors == again.colors).all() and len(first.colors) == 5


def test_tensor_form_is_filled_up_and_cut():
    palette = Palette(np.array([[255, 0, 0], [0, 0, 255]], np.uint8), np.float32([0.75, 0.25]))
    colors, weights = palette.to_tensors()
    assert colors.shape == (1, 9, 3) and weights.shape == (1, 9)
    assert colors[0, 0].tolist() == [1, -1, -1] and weights[0, 2:].sum() == 0
    cut = palette.to_tensors(1)[1]
    assert cut.tolist() == [[1.0]]
    assert palette.to_hex() == ["#ff0000", "#0000ff"]


def test_a_simulated_choice_takes_some_colours_in_rough_shares():
    colors = np.linspace(-1.0, 1.0, 27, dtype=np.float32).reshape(9, 3)
    shares = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.05, 0, 0, 0], np.float32)
    counts = set()
    for seed in range(60):
        chosen, given = simulate(colors, shares, np.random.default_rng(seed))
        assert chosen.shape == colors.shape and given.dtype == np.float32
        count = int((given > 0).sum())
        counts.add(count)
        assert np.isclose(given.sum(), 1.0) and (np.diff(given) <= 0).all()
        among = (chosen[:count, None] == colors[None, :6]).all(axis=2)
        assert (among.sum(axis=1) == 1).all() and (among.sum(axis=0) <= 1).all()
        assert (chosen[count:] == chosen[0]).all()
    assert counts == {3, 4, 5, 6}
    few = simulate(colors, np.eye(9, dtype=np.float32)[0], np.random.default_rng(0))
    assert np.array_equal(few[1], np.eye(9)[0])
