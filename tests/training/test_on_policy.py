"""The easel: pictures that a slim network paints while it learns."""

import torch
from PIL import Image

from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.style.settings import FAST
from sketchcolor.style.transfer import STYLE_LAYERS, StyleLoss, gram
from sketchcolor.training import on_policy as easel
from sketchcolor.training.distillation import crops, distil
from sketchcolor.training.on_policy import Easel


def network(seed: int) -> VGG19Features:
    torch.manual_seed(seed)
    return VGG19Features(channels=(4, 6, 8, 8, 8), pooling="average")


def windows(color: str, seed: int = 0):
    noisy = Image.effect_noise((90, 90), 60).convert("RGB")
    return crops([Image.blend(Image.new("RGB", (90, 90), color), noisy, 0.3)], [], 32, 1, seed)


def test_it_paints_the_content_in_the_manner_of_the_style(monkeypatch):
    monkeypatch.setattr(easel, "PICTURES", 2)
    painter = network(0)
    content, style = next(windows("red")), next(windows("blue"))
    board = Easel(painter, iter([content] * 9), iter([style] * 9))
    wanted = {name: gram(found)[0] for name, found in painter(style, STYLE_LAYERS).items()}
    loss = StyleLoss(painter, content, wanted, FAST)
    first = board.paint(2)
    for _ in range(10):
        last = board.paint(2)
    assert last.shape == (2, 3, 32, 32)
    assert -1.0 <= last.min() < last.max() <= 1.0
    assert loss(last[:1]) < loss(first[:1]) < loss(content)
    assert all(parameter.grad is None for parameter in painter.parameters())


def test_a_picture_that_is_done_makes_room_for_another(monkeypatch):
    monkeypatch.setattr(easel, "PICTURES", 1)
    monkeypatch.setattr(easel, "LIFE", 2 * easel.STROKES)
    red, green = next(windows("red")), next(windows("green"))
    board = Easel(network(0), iter([red, green]), windows("blue"))
    shown = [board.paint(1) for _ in range(4)]
    near = [min((red, green), key=lambda page: float((page - s).abs().mean())) for s in shown]
    assert [page is red for page in near] == [True, True, False, False]


def test_the_network_learns_what_its_own_pictures_look_like():
    teacher, student = network(0), network(1).requires_grad_(True)
    board = Easel(student, windows("red"), windows("blue", 1))
    losses = distil(student, teacher, windows("red", 2), 40, 1e-3, board)
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
