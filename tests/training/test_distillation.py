"""The slim VGG-19: pruned from the full network, then trained to match its features."""

import numpy as np
import pytest
import torch
from PIL import Image

from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.training.distillation import MATCHED_LAYERS, SLIM_CHANNELS, crops, distil, prune


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


def error(network: VGG19Features, teacher: VGG19Features, pictures: torch.Tensor) -> float:
    """Mean over layers of squared error over variance."""
    with torch.no_grad():
        features, targets = network(pictures, MATCHED_LAYERS), teacher(pictures, MATCHED_LAYERS)
    errors = [(features[n] - targets[n]).square().mean() / targets[n].var() for n in MATCHED_LAYERS]
    return float(torch.stack(errors).mean())


def test_with_all_channels_the_pruned_network_is_the_teacher(teacher, batches):
    pictures = torch.cat([next(batches) for _ in range(8)])
    same = prune(teacher, teacher.config["channels"], pictures)
    assert error(same, teacher, next(batches)) < 0.01


def test_with_fewer_channels_the_others_are_predicted(teacher, batches):
    pictures = torch.cat([next(batches) for _ in range(8)])
    slim = prune(teacher, (4, 6, 8, 8, 8), pictures)
    found = slim(pictures[:1], MATCHED_LAYERS)
    assert [found[n].shape[1] for n in MATCHED_LAYERS] == [8, 12, 16, 16, 16, 16]
    assert error(slim, teacher, next(batches)) < 0.7


def test_the_slim_network_fits_its_place():
    widened = dict(zip(MATCHED_LAYERS, (64, 128, 256, 512, 512, 512), strict=True))
    slim = VGG19Features(channels=SLIM_CHANNELS, widened=widened)
    assert 2 * slim.num_parameters() <= 8.5e6  # bytes in half precision


def test_distilling_lowers_the_error_on_other_pictures(teacher, batches):
    network = prune(teacher, (4, 6, 8, 8, 8), next(batches))
    before = error(network, teacher, (unseen := next(batches)))
    losses = distil(network, teacher, batches, steps=60, learning_rate=1e-3)
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    assert error(network, teacher, unseen) < 0.9 * before
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_windows_are_square_in_range_and_repeatable(batches):
    first = next(batches)
    assert first.shape == (4, 3, 32, 32)
    assert -1.0 <= first.min() < first.max() <= 1.0
    tall = [Image.new("RGB", (10, 300), "red"), Image.new("RGB", (300, 10), "blue")]
    one, two = (crops(tall, [], side=16, size=2, seed=3) for _ in range(2))
    assert all(torch.equal(next(one), next(two)) for _ in range(3))
