"""Hint maps: strokes, layers, shrinking, and the simulated hints of training."""

import numpy as np
import pytest
import torch

from sketchcolor.conditions import Stroke, from_strokes, reduce, simulate
from sketchcolor.conditions.hints import empty, from_layer, resize, to_tensor

RED = {"color": "#ff0000", "width": 6, "points": [[20, 10]]}


def test_dot_is_a_disc_of_its_colour():
    layer = from_strokes([RED], (40, 30))
    painted = layer[..., 3] > 0
    assert layer.shape == (30, 40, 4)
    assert (layer[painted] == (255, 0, 0, 255)).all()
    assert abs(painted.sum() - np.pi * 9) < 12
    ys, xs = np.nonzero(painted)
    assert abs(xs.mean() - 20) < 0.6 and abs(ys.mean() - 10) < 0.6


def test_later_strokes_cover_earlier_and_outside_is_ignored():
    blue = {"color": "#0000ff", "width": 6, "points": [[20, 10], [4000, 10]]}
    layer = from_strokes([RED, blue, Stroke("#00ff00", 5, [(-90, -90)])], (40, 30))
    assert tuple(layer[10, 20, :3]) == (0, 0, 255)
    assert not (layer[..., :3] == (0, 255, 0)).all(axis=2).any()


@pytest.mark.parametrize("points", [[[3, 3]], [[3, 3], [5, 1e12]]])
def test_a_stroke_wider_than_any_page_paints_all_of_it(points):
    stroke = {"color": "#ff0000", "width": 1e9, "points": points}
    assert (from_strokes([stroke], (30, 20))[..., 3] == 255).all()


def test_stroke_survives_json():
    stroke = Stroke.from_dict(RED)
    assert Stroke.from_dict(stroke.to_dict()) == stroke


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"color": "#ff0000", "width": 3},
        {"color": "reddish", "width": 3, "points": [[1, 1]]},
        {"color": "#ff0000", "width": 0, "points": [[1, 1]]},
        {"color": "#ff0000", "width": "wide", "points": [[1, 1]]},
        {"color": "#ff0000", "width": 3, "points": []},
        {"color": "#ff0000", "width": 3, "points": [[1, float("nan")]]},
    ],
)
def test_a_malformed_stroke_is_refused(broken):
    with pytest.raises(ValueError, match="stroke needs"):
        from_strokes([broken], (10, 10))


def test_a_thin_stroke_on_a_large_page_keeps_its_colour():
    line = {"color": "#20c040", "width": 3, "points": [[100, 1000], [2900, 1000]]}
    hint_map = from_layer(from_strokes([line], (3000, 2000)), (300, 200))
    painted = hint_map[..., 3] > 0
    assert painted.sum() >= 270
    expected = np.array([0x20, 0xC0, 0x40]) / 127.5 - 1
    assert np.allclose(hint_map[painted][:, :3], expected, atol=1e-3)
    assert (hint_map[~painted] == 0).all()


def test_reduce_averages_painted_pixels_only():
    hint_map = empty(8, 8)
    hint_map[0, 0] = (1.0, -1.0, 0.5, 1.0)
    hint_map[0, 1] = (0.0, -1.0, 0.5, 1.0)
    small = reduce(to_tensor(hint_map), 4)
    assert small.shape == (1, 4, 2, 2)
    assert torch.allclose(small[0, :, 0, 0], torch.tensor([0.5, -1.0, 0.5, 1.0]))
    assert (small[0, :, 1, 1] == 0).all()


def test_resize_loses_no_dot_and_keeps_its_colour():
    hint_map = empty(96, 96)
    hint_map[31:33, 51:53] = (0.25, -0.5, 1.0, 1.0)
    for size in ((48, 48), (40, 64), (192, 192)):
        small = resize(to_tensor(hint_map), size)
        painted = small[0, :, small[0, 3] > 0]
        assert small.shape == (1, 4, *size) and painted.shape[1] > 0
        assert torch.allclose(painted[:3].T, torch.tensor([0.25, -0.5, 1.0]), atol=1e-5)
    assert resize(to_tensor(hint_map), (96, 96)).equal(to_tensor(hint_map))


def test_simulated_dots_carry_the_pictures_colours(colour_picture):
    hint_map = simulate(colour_picture, np.random.default_rng(0), count=20)
    painted = hint_map[..., 3] > 0
    assert 10 <= painted.sum() <= 60
    levels = (hint_map[painted][:, :3] + 1) * 127.5
    assert np.abs(levels - colour_picture[painted]).max() < 60
    assert np.median(np.abs(levels - colour_picture[painted])) < 2


def test_simulation_is_valid_varied_and_seeded(colour_picture):
    shares = []
    for seed in range(120):
        hint_map = simulate(colour_picture, np.random.default_rng(seed))
        mask = hint_map[..., 3]
        assert hint_map.shape == (128, 96, 4) and hint_map.dtype == np.float32
        assert set(np.unique(mask)) <= {0.0, 1.0} and np.abs(hint_map).max() <= 1.0
        assert (hint_map[mask == 0] == 0).all()
        shares.append(mask.mean())
    shares = np.array(shares)
    assert 0.1 < (shares == 0).mean() < 0.45  # nothing drawn
    assert ((shares > 0) & (shares < 0.03)).mean() > 0.25  # a few dots or strokes
    assert (shares > 0.3).any()  # a blurred, dense hint
    again = simulate(colour_picture, np.random.default_rng(7))
    assert (again == simulate(colour_picture, np.random.default_rng(7))).all()


@pytest.mark.parametrize("kind", ["strokes", "grid", "white-out"])
def test_a_kind_of_hints_can_be_asked_for(colour_picture, kind):
    shares = [
        simulate(colour_picture, np.random.default_rng(seed), kind=kind)[..., 3].mean()
        for seed in range(8)
    ]
    assert max(shares) > 0
    assert (np.mean(shares) > 0.3) == (kind == "white-out")  # one dense hint, or a few sparse ones


def test_a_grid_has_the_quarter_size_picture_itself():
    """Ye et al.: the real picture at a quarter of its size, without smoothing before."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    small = picture.reshape(16, 4, 12, 4, 3).astype(float).mean((1, 3))
    hint_map = simulate(picture, np.random.default_rng(3), kind="grid")
    cells = hint_map[::4, ::4]
    kept = cells[..., 3] > 0
    assert kept.any()
    assert (cells[kept][:, :3] + 1) * 127.5 == pytest.approx(small[kept], abs=1)


def test_white_outs_are_ten_pixels_at_any_size():
    """Grover & Banker, section 4.2: 30 squares of 10×10 px, which cover half of a 64² picture."""
    black = np.zeros((64, 64, 3), np.uint8)
    levels = []
    for seed in range(20):
        hint_map = simulate(black, np.random.default_rng(seed), kind="white-out")
        levels.append((hint_map[hint_map[..., 3] > 0][:, :3].mean() + 1) / 2)
    # A square whose corner is anywhere covers on average 100 px less what the border cuts off.
    covered = 1 - (1 - (10 - 9 * 10 / 128) ** 2 / 64**2) ** 30
    assert np.mean(levels) == pytest.approx(covered, abs=0.08)
