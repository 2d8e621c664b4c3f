"""Grover & Banker's measures against hand-computed values."""

import math

import cv2
import numpy as np
import pytest

from sketchcolor.evaluation import similarity


def flat(*rgb: int, size: int = 16) -> np.ndarray:
    return np.full((size, size, 3), rgb, dtype=np.uint8)


def blobs(seed: int) -> np.ndarray:
    """160×160, soft coloured blobs: something for keypoints to hold on to."""
    noise = np.random.default_rng(seed).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    return cv2.resize(noise, (160, 160), interpolation=cv2.INTER_CUBIC)


def test_pixel_difference_of_one_channel_and_of_extremes():
    moved = similarity.pixel_difference(flat(151, 90, 80), flat(100, 90, 80))
    assert moved == pytest.approx(np.full((16, 16), 100 * 51 / (255 * math.sqrt(3))))
    assert similarity.pixel_difference(flat(0, 0, 0), flat(255, 255, 255)).max() == pytest.approx(
        100
    )


def test_pixel_similarity_by_hand():
    # Four rows: equal, one channel 51 off, one 255 off, black for white.
    truth = flat(0, 0, 0, size=4)
    output = truth.copy()
    output[1, :, 0], output[2, :, 1], output[3] = 51, 255, 255
    mean = (0 + 51 + 255 + 3 * 255) / (4 * 3)
    assert similarity.pixel_similarity(output, truth) == pytest.approx(1 - mean / 255)
    assert similarity.pixel_similarity(truth, truth) == 1


def test_intervals_are_those_of_figure_19():
    assert list(similarity.INTERVALS[[0, 1, 2, 7, 8]]) == [0, 6, 12, 42, 48]


def test_colour_emd_by_hand():
    picture = blobs(0)
    assert similarity.colour_emd(picture, picture) == 0
    assert similarity.colour_emd(flat(151, 90, 80), flat(100, 90, 80)) == pytest.approx(51 / 765)
    assert similarity.colour_emd(flat(0, 0, 0), flat(255, 255, 255)) == pytest.approx(1)
    # Half of the red has to go 100 levels up, the other half 50 down.
    halves = np.concatenate([flat(200, 0, 0), flat(50, 0, 0)])
    assert similarity.colour_emd(halves, flat(100, 0, 0)) == pytest.approx(75 / 765)


def test_colour_emd_knows_colours_and_not_places():
    picture = blobs(0)
    shuffled = np.random.default_rng(1).permutation(picture.reshape(-1, 3)).reshape(80, 320, 3)
    assert similarity.colour_emd(shuffled, picture) == 0
    assert similarity.colour_emd(np.tile(picture, (2, 1, 1)), picture) == pytest.approx(0, abs=1e-9)


def test_sift_similarity_survives_rotation_and_not_another_picture():
    picture = blobs(0)
    assert similarity.sift_similarity(picture, picture) == 1
    assert similarity.sift_similarity(np.rot90(picture), picture) > 0.8
    assert similarity.sift_similarity(blobs(1), picture) < 0.2


def test_sift_similarity_without_keypoints():
    assert math.isnan(similarity.sift_similarity(blobs(0), flat(9, 9, 9)))
    assert similarity.sift_similarity(flat(9, 9, 9), blobs(0)) == 0
