"""Making samples of pictures."""

import numpy as np
import pytest
import torch

from sketchcolor.training.data import OffsetSampler, SampleMaker, Samples
from sketchcolor.training.framing import (
    LINE_NOISE,
    MAX_ROTATION,
    MAX_SHEAR,
    MAX_SHIFT,
    MAX_ZOOM,
    frame,
)
from sketchcolor.training.sources import Source, load_images

MAKER = SampleMaker(64, "figures", "random", hint_rate=1.0, palette_rate=0.5)


def test_samples_have_the_documented_shapes_and_ranges(pictures):
    samples = Samples(load_images(Source(data_files=str(pictures))), MAKER, seed=0)
    present = []
    for number in range(12):
        sample = samples[number]
        assert sample["sketch"].shape == (1, 64, 64) and sample["colour"].shape == (3, 64, 64)
        assert sample["hints"].shape == (4, 64, 64)
        assert sample["palette"].shape == (9, 3) and sample["weights"].shape == (9,)
        for name in ("sketch", "colour", "hints", "palette"):
            assert sample[name].abs().max() <= 1
        assert torch.isclose(sample["weights"].sum(), torch.tensor(1.0))
        present.append(bool(sample["palette_present"]))
    assert any(present) and not all(present)


def test_a_sample_is_a_function_of_its_number_and_the_seed(pictures):
    images = load_images(Source(data_files=str(pictures)))
    first, again = Samples(images, MAKER, 3)[7], Samples(images, MAKER, 3)[7]
    assert all(torch.equal(first[name], again[name]) for name in first)
    other = Samples(images, MAKER, 4)[7]
    assert not torch.equal(first["sketch"], other["sketch"])


def test_kind_weights_favour_figures(pictures):
    samples = Samples(load_images(Source(data_files=str(pictures))), MAKER, 0)
    kinds = samples.images["kind"]
    draws = np.random.default_rng(0).random(4000)
    drawn = np.searchsorted(samples.cumulative, draws, side="right")
    figures = np.mean([kinds[i] == "figure" for i in drawn])
    share = kinds.count("figure") / len(kinds)
    assert figures > share + 0.08


def test_crop_cuts_the_same_window_of_everything(pictures):
    images = load_images(Source(data_files=str(pictures)))
    maker = SampleMaker(64, "none", "dodge", 0.0, 0.0, crop=32)
    sample = maker(images[0], np.random.default_rng(0))
    assert sample["sketch"].shape == (1, 32, 32) and sample["hints"].shape == (4, 32, 32)
    grey = sample["colour"].mean(0)
    dark = grey < -0.5
    if dark.any():  # ink lies where the picture is dark
        assert sample["sketch"][0][dark].mean() < sample["sketch"][0][~dark].mean()


def test_whole_figures_are_placed_on_white():
    figure = np.full((120, 60, 3), 255, np.uint8)
    figure[20:110, 20:40] = (200, 40, 40)
    lines = np.full((120, 60), 255, np.uint8)
    whole = 0
    for seed in range(30):
        colour, _ = frame(figure, lines, 64, "figures", np.random.default_rng(seed))
        red = (colour[..., 1] < 120).sum() / 64**2
        whole += red < 0.14
        assert colour.shape == (64, 64, 3)
    assert 8 < whole < 30
    colour, _ = frame(figure, lines, 64, "none", np.random.default_rng(0))
    ys, xs = np.nonzero(colour[..., 1] < 120)
    assert abs(xs.mean() - 31.5) < 1 and (colour[:, :10] == 255).all()


def test_some_whole_figures_are_small():
    figure = np.full((120, 60, 3), 255, np.uint8)
    figure[5:115, 20:40] = (200, 40, 40)
    lines = np.full((120, 60), 255, np.uint8)
    heights = []
    for seed in range(60):
        colour, _ = frame(figure, lines, 64, "figures", np.random.default_rng(seed))
        heights.append((colour[..., 1] < 120).any(axis=1).sum())
    assert min(heights) < 30 and sum(height < 45 for height in heights) > 10


def test_the_border_colour_of_the_paper_continues_outside_of_the_picture():
    colour = np.full((120, 60, 3), 255, np.uint8)
    lines = np.full((120, 60), 210, np.uint8)
    lines[40:80, 20:40] = 30
    _, framed = frame(colour, lines, 64, "none", np.random.default_rng(0))
    assert framed[:, 0].tolist() == [210] * 64 and framed.min() < 60


def test_distorting_turns_shears_zooms_shifts_and_adds_noise_to_lines():
    """Three dots show which affine map a picture went through."""
    colour = np.full((200, 200, 3), 128, np.uint8)
    dots = np.array([[70, 70], [130, 70], [70, 130]])
    for (x, y), channel in zip(dots, range(3), strict=True):
        colour[y - 4 : y + 5, x - 4 : x + 5, channel] = 255
    lines = np.full((200, 200), 128, np.uint8)
    maps = []
    for seed in range(60):
        warped, noisy = frame(colour, lines, 100, "distort", np.random.default_rng(seed))
        assert noisy.std() == pytest.approx(255 * LINE_NOISE, rel=0.05)
        weights = np.clip(warped.astype(float) - 128, 0, None)
        ys, xs = np.mgrid[:100, :100]
        found = [
            ((xs * w).sum() / w.sum(), (ys * w).sum() / w.sum()) for w in np.moveaxis(weights, 2, 0)
        ]
        across, down = np.subtract(found[1], found[0]), np.subtract(found[2], found[0])
        middle = (np.array(found[1]) + found[2]) / 2
        zoom = np.sqrt(np.linalg.det([across, down])) / 30  # 60 px at half size
        turn = np.degrees(np.arctan2(across[1], across[0]))
        shear = np.dot(across, down) / np.dot(across, across)
        maps.append((zoom, turn, shear, *(middle - 49.75) / 100))
    zoom, turn, shear, *shifts = np.array(maps).T
    assert 1 / MAX_ZOOM - 0.02 < zoom.min() < 0.9 and 1.1 < zoom.max() < MAX_ZOOM + 0.02
    assert MAX_ROTATION / 2 < np.abs(turn).max() < MAX_ROTATION + 1 and turn.min() < 0 < turn.max()
    assert MAX_SHEAR / 2 < np.abs(shear).max() < MAX_SHEAR + 0.05
    for shift in shifts:
        assert MAX_SHIFT / 2 < np.abs(shift).max() < MAX_ZOOM * MAX_SHIFT * 1.2
    assert maps[0] != maps[1]


def test_offset_sampler_continues():
    assert list(OffsetSampler(3, 6)) == [3, 4, 5] and len(OffsetSampler(7, 6)) == 0


def test_no_real_validation_picture_is_trained_on(real_data):
    data = real_data("data")
    keys = []
    for split in ("train", "validation"):
        images = load_images(Source(data_files=str(data / f"{split}-*.parquet"), split=split))
        keys.append(set(zip(images["source"], images["key"], strict=True)))
    assert len(keys[1]) == 433 and not keys[0] & keys[1]
