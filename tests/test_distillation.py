"""The slim VGG-19: begins as part of the real one, learns to see what that sees."""

import numpy as np
import pytest
import torch
from PIL import Image

from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.training.distillation import LAYERS, SLIM, Apprentice, crops, distil, slimmed


@pytest.fixture(scope="module")
def teacher() -> VGG19Features:
    torch.manual_seed(0)
    return VGG19Features(channels=(8, 12, 16, 16, 16), pooling="average")


@pytest.fixture
def batches():
    rng = np.random.default_rng(0)
    pictures = [
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((120, 90))
        for _ in range(6)
    ]
    return crops(pictures, pictures[:2], side=32, size=4, seed=0)


def test_all_channels_are_the_teacher_itself(teacher, batches):
    pictures = next(batches)
    same = slimmed(teacher, teacher.config["channels"], pictures)
    ours, theirs = same(pictures, LAYERS), teacher(pictures, LAYERS)
    assert all(torch.allclose(ours[layer], theirs[layer], atol=1e-5) for layer in LAYERS)


def test_the_slim_network_fits_its_place():
    slim = VGG19Features(channels=SLIM)
    assert 2 * slim.num_parameters() <= 8e6  # bytes in half precision


def test_distilling_teaches(teacher, batches):
    network = slimmed(teacher, (4, 6, 8, 8, 8), next(batches))
    apprentice = Apprentice(network, teacher)
    losses = distil(apprentice, teacher, batches, seconds=4.0)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:3])
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_windows_are_square_in_range_and_repeatable(batches):
    first = next(batches)
    assert first.shape == (4, 3, 32, 32)
    assert -1.0 <= first.min() < first.max() <= 1.0
    tall = [Image.new("RGB", (10, 300), "red"), Image.new("RGB", (300, 10), "blue")]
    one, two = (crops(tall, [], side=16, size=2, seed=3) for _ in range(2))
    assert all(torch.equal(next(one), next(two)) for _ in range(3))
