"""Style transfers through the network in training, whose pictures it is trained on."""

import torch
from PIL import Image

from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.style.settings import FAST
from sketchcolor.style.transfer import STYLE_LAYERS, StyleLoss, gram
from sketchcolor.training import on_policy
from sketchcolor.training.distillation import crops, distil
from sketchcolor.training.on_policy import OnPolicySamples


def network(seed: int) -> VGG19Features:
    torch.manual_seed(seed)
    return VGG19Features(channels=(4, 6, 8, 8, 8), pooling="average")


def windows(color: str, seed: int = 0):
    noisy = Image.effect_noise((90, 90), 60).convert("RGB")
    return crops([Image.blend(Image.new("RGB", (90, 90), color), noisy, 0.3)], [], 32, 1, seed)


def test_a_style_transfer_lowers_the_style_loss_of_its_picture(monkeypatch):
    monkeypatch.setattr(on_policy, "POOL_SIZE", 2)
    vgg = network(0)
    content, style = next(windows("red")), next(windows("blue"))
    samples = OnPolicySamples(vgg, iter([content] * 9), iter([style] * 9))
    targets = {name: gram(found)[0] for name, found in vgg(style, STYLE_LAYERS).items()}
    loss = StyleLoss(vgg, content, targets, FAST)
    first = samples.draw(2)
    for _ in range(10):
        last = samples.draw(2)
    assert last.shape == (2, 3, 32, 32)
    assert -1.0 <= last.min() < last.max() <= 1.0
    assert loss(last[:1]) < loss(first[:1]) < loss(content)
    assert all(parameter.grad is None for parameter in vgg.parameters())


def test_a_finished_style_transfer_is_replaced_by_a_new_one(monkeypatch):
    monkeypatch.setattr(on_policy, "POOL_SIZE", 1)
    monkeypatch.setattr(on_policy, "MAX_STEPS", 2 * on_policy.STEPS_PER_DRAW)
    red, green = next(windows("red")), next(windows("green"))
    samples = OnPolicySamples(network(0), iter([red, green]), windows("blue"))
    drawn = [samples.draw(1) for _ in range(4)]
    nearest = [min((red, green), key=lambda one: float((one - d).abs().mean())) for d in drawn]
    assert [one is red for one in nearest] == [True, True, False, False]


def test_the_network_learns_the_features_of_its_own_pictures():
    teacher, student = network(0), network(1).requires_grad_(True)
    samples = OnPolicySamples(student, windows("red"), windows("blue", 1))
    losses = distil(student, teacher, windows("red", 2), 40, 1e-3, samples)
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
