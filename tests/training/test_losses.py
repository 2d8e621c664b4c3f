"""Training losses, each compared with a value computed by hand."""

import math

import pytest
import torch

from sketchcolor.models.style_guided import StyleGuidedOutput
from sketchcolor.training.losses import (
    PerceptualLoss,
    discriminator_loss,
    generator_loss,
    guide_loss,
    total_variation,
)


def test_adversarial_losses_by_hand():
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 0.5])
    assert discriminator_loss("hinge", real, True).item() == pytest.approx(0.25)
    assert discriminator_loss("hinge", fake, False).item() == pytest.approx(0.75)
    assert discriminator_loss("lsgan", real, True).item() == pytest.approx(0.625)
    assert discriminator_loss("lsgan", fake, False).item() == pytest.approx(2.125)
    for is_real in (True, False):
        undecided = discriminator_loss("bce", torch.zeros(3), is_real)
        assert undecided.item() == pytest.approx(0.693147, abs=1e-5)
    assert generator_loss("hinge", fake).item() == pytest.approx(0.75)
    assert generator_loss("lsgan", fake).item() == pytest.approx(4.625)
    with pytest.raises(ValueError, match="Unknown adversarial"):
        generator_loss("wasserstein", fake)


@torch.no_grad()
def test_perceptual_loss_by_hand(tiny_vgg):
    image, truth = torch.rand(2, 2, 3, 16, 16) * 2 - 1
    layers = ("relu1_2", "relu3_1")
    found, target = tiny_vgg(image, layers), tiny_vgg(truth, layers)
    off = [(found[k] - target[k]).abs().mean() / target[k].mean() for k in layers]
    assert PerceptualLoss(tiny_vgg, layers)(image, truth) == pytest.approx(float(sum(off) / 2))
    weighed = PerceptualLoss(tiny_vgg, layers, layer_weights=(0.5, 3.0))(image, truth)
    assert weighed == pytest.approx(float(0.5 * off[0] + 3.0 * off[1]))
    # Activations of Caffe's weights are larger by the standard deviation, in levels, of the input.
    scale = 255 * (0.229 + 0.224 + 0.225) / 3
    squares = sum((found[k] - target[k]).square().mean() for k in layers) / scale**2
    assert PerceptualLoss(tiny_vgg, layers, "l2")(image, truth) == pytest.approx(float(squares))
    norms = [(found[k] - target[k]).flatten(1).norm(dim=1).mean() for k in layers]
    assert PerceptualLoss(tiny_vgg, layers, "norm")(image, truth) == pytest.approx(
        float(sum(norms))
    )


def test_an_auxiliary_classifier_has_classes_as_targets():
    flat, half = torch.zeros(1, 2), torch.full((1, 2), 0.5)  # at a score of 0 any class costs ln 2
    for is_real in (True, False):
        classes = half if is_real else None
        undecided = discriminator_loss("bce", flat, is_real, classes)
        assert undecided.item() == pytest.approx(math.log(2))
    sure = torch.tensor([[20.0, -20.0]])
    classes = torch.tensor([[1.0, 0.0]])
    assert generator_loss("bce", sure, classes).item() == pytest.approx(0, abs=1e-6)
    assert generator_loss("bce", sure, 1 - classes).item() == pytest.approx(20)
    assert discriminator_loss("bce", sure, True, classes).item() == pytest.approx(0, abs=1e-6)
    assert discriminator_loss("bce", sure, False).item() == pytest.approx(20 / 2)


def test_guide_loss_by_hand():
    truth = torch.zeros(1, 3, 4, 4)
    truth[:, 0] = 1.0  # red, whose brightness is 0.299
    guides = {"grey_guide": torch.zeros(1, 1, 4, 4), "colour_guide": torch.zeros(1, 3, 4, 4)}
    output = StyleGuidedOutput(image=truth, **guides)
    assert guide_loss(output, truth, (0.3, 0.9)) == pytest.approx(0.3 * 0.299 + 0.9 / 3)


def test_total_variation_by_hand():
    step = torch.zeros(1, 3, 4, 4)
    step[..., 2:] = 1.0  # of three differences along a row one is 1
    assert total_variation(step) == pytest.approx(1 / 3)
    assert total_variation(torch.full((1, 3, 4, 4), 0.7)) == 0
