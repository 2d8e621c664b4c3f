"""Views cached on disk give the same samples in every run."""

import datasets
import numpy as np
import pytest
import torch
from PIL import Image

from sketchcolor.conditions.palette import DEFAULT_SIZE
from sketchcolor.training.data import SampleMaker, Samples
from sketchcolor.training.view_cache import ViewCache

SIDE = 32


@pytest.fixture
def images(colour_picture) -> datasets.Dataset:
    pictures = [Image.fromarray(np.rot90(colour_picture, turns).copy()) for turns in range(3)]
    columns = datasets.Features({"image": datasets.Image()})
    return datasets.Dataset.from_dict({"image": pictures}, features=columns)


def samples(images, folder, seed=3) -> Samples:
    maker = SampleMaker(SIDE, "figures", "random", hint_rate=0.8, palette_rate=0.5, shrink=4)
    cache = ViewCache(folder, len(images), 2, SIDE, DEFAULT_SIZE)
    made = Samples(images, maker, seed, cache)
    cache.fill(made.view, workers=0)
    return made


def equal(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_two_caches_of_the_same_pictures_give_the_same_samples(images, tmp_path):
    first, second = samples(images, tmp_path / "a"), samples(images, tmp_path / "b")
    assert all(equal(first[i], second[i]) for i in range(20))


def test_a_filled_cache_is_not_made_again(images, tmp_path):
    before = samples(images, tmp_path)[7]
    cache = ViewCache(tmp_path, len(images), 2, SIDE, DEFAULT_SIZE)
    cache.fill(lambda picture, number: pytest.fail("made again"), workers=0)
    assert equal(samples(images, tmp_path)[7], before)


def test_views_of_one_picture_differ_and_hints_are_drawn_anew(images, tmp_path):
    made = samples(images, tmp_path)
    assert not np.array_equal(made.views[0, 0].lines, made.views[0, 1].lines)
    drawn = [made[i] for i in range(60)]
    assert len({sample["hints"].numpy().tobytes() for sample in drawn}) > 10
    assert {bool(sample["palette_present"]) for sample in drawn} == {True, False}


def test_colour_and_hints_come_shrunk_to_the_proposers_size(images, tmp_path):
    sample = samples(images, tmp_path)[0]
    assert sample["sketch"].shape == (1, SIDE, SIDE)
    assert sample["colour"].shape == (3, SIDE // 4, SIDE // 4)
    assert sample["hints"].shape == (4, SIDE // 4, SIDE // 4)


def test_a_cache_of_another_run_is_refused(images, tmp_path):
    samples(images, tmp_path)
    with pytest.raises(ValueError, match="views of another run"):
        ViewCache(tmp_path, len(images), 3, SIDE, DEFAULT_SIZE)
