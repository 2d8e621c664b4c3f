"""The part encoder and its losses."""

import cv2
import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from sketchcolor.colour_space import lab_planes
from sketchcolor.models.parts import CELL, PartVectors, read_features, share_logits
from sketchcolor.training.part_loss import (
    COLOUR_STD,
    NONE_DISTANCE,
    DrawnCells,
    draw_cells,
    hint_map,
    jitter_hints,
    part_loss,
    white_loss,
)
from tests.support.networks import TINY_READABLE, tiny_part_encoder, tiny_proposer


def sketches(count: int = 2) -> torch.Tensor:
    """Outlines of discs at different positions, 64×96."""
    drawings = np.full((count, 64, 96), 255, np.uint8)
    for number, drawing in enumerate(drawings):
        cv2.circle(drawing, (30 + 20 * number, 32), 16, 0, 2)
    return torch.from_numpy(drawings.astype(np.float32) / 127.5 - 1.0)[:, None]


@pytest.fixture
def proposer():
    return tiny_proposer(**TINY_READABLE)


@pytest.fixture
def encoder():
    return tiny_part_encoder()


def halves(count: int = 1, side: int = 16) -> torch.Tensor:
    """Pictures whose left half is red and whose right half is blue."""
    colour = torch.tensor([1.0, -1.0, -1.0])[:, None, None].repeat(count, 1, side, side)
    colour[..., side // 2 :] = torch.tensor([-1.0, -1.0, 1.0])[:, None, None]
    return colour


def vectors_of(colour: torch.Tensor, apart: bool, alone: float = -5.0) -> PartVectors:
    """One vector for all cells or, if ``apart``, an orthogonal one for the right half."""
    count, _, height, width = colour.shape
    vectors = torch.zeros(count, 4, height, width)
    vectors[:, 0] = 1.0
    if apart:
        vectors[..., width // 2 :] = vectors.roll(1, dims=1)[..., width // 2 :]
    numbers = torch.zeros(count, 1, height, width)
    return PartVectors(vectors, numbers + alone, numbers, numbers)


def test_every_cell_has_a_vector_of_unit_length_and_three_numbers(proposer, encoder):
    sketch = sketches()
    with torch.no_grad():
        found = encoder(read_features(proposer, sketch), sketch)
    grid = (64 // CELL, 96 // CELL)
    assert found.vectors.shape == (2, 8, *grid)
    assert found.alone.shape == found.locality.shape == found.white.shape == (2, 1, *grid)
    assert torch.allclose(found.vectors.norm(dim=1), torch.ones(2, *grid), atol=1e-5)
    assert found.locality.min() > 0.0 and torch.isfinite(found.alone).all()
    assert found.vectors.var(dim=(2, 3)).max() > 0.0


def test_the_features_have_the_documented_shapes(proposer):
    read = read_features(proposer, sketches())
    assert [tuple(one.shape) for one in read.lines] == [
        (2, 8, 16, 24),
        (2, 8, 8, 12),
        (2, 8, 4, 6),
    ]
    assert read.middle.shape == (2, 16, 2, 3) and read.decoder.shape == (2, 8, 4, 6)
    assert read.colour.shape == (2, 3, 16, 24)


@pytest.mark.parametrize("frozen", [True, False], ids=["encoder alone", "with the proposer"])
def test_a_backward_pass_reaches_every_weight(proposer, encoder, frozen):
    """torch 2.13 crashed in the backward pass of one-group normalisation of channels-last input."""
    for network in (proposer, encoder):
        network.train().to(memory_format=torch.channels_last)
    sketch = sketches()
    with torch.set_grad_enabled(not frozen):
        features = read_features(proposer, sketch)
    for planes in features.lines:
        assert planes.is_contiguous(memory_format=torch.channels_last)
        assert not planes.is_contiguous() and planes.requires_grad != frozen
    found = encoder(features, sketch)
    colour = halves(2, 48)[:, :, :32]
    cells = draw_cells(colour, torch.Generator().manual_seed(3))
    loss = part_loss(found, colour, encoder.log_scale, cells) + white_loss(found.white, colour)
    loss.backward()
    read = [] if frozen else proposer.lines.named_parameters()
    for name, weight in [*encoder.named_parameters(), *read]:
        assert weight.grad is not None and torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().max() > 0.0, name
    assert frozen == all(weight.grad is None for weight in proposer.parameters())


def test_features_and_vectors_depend_on_the_lines_only(proposer, encoder):
    sketch = sketches()
    with torch.no_grad():
        torch.manual_seed(1)
        first = read_features(proposer, sketch)
        torch.manual_seed(2)
        again = read_features(proposer, sketch)
        vectors = [encoder(features, sketch).vectors for features in (first, again)]
    for one, other in zip([*first.lines, *first[1:]], [*again.lines, *again[1:]], strict=True):
        assert torch.equal(one, other)
    assert torch.equal(*vectors)
    assert not torch.allclose(first.decoder[0], first.decoder[1], atol=1e-3)


def test_vectors_do_not_depend_on_the_rest_of_the_batch(proposer, encoder):
    sketch = sketches()
    with torch.no_grad():
        together = encoder(read_features(proposer, sketch), sketch)
        for row in (0, 1):
            one = sketch[row : row + 1]
            alone = encoder(read_features(proposer, one), one)
            for whole, part in zip(together, alone, strict=True):
                assert torch.allclose(whole[row : row + 1], part, atol=1e-4)


def test_reading_features_leaves_the_proposer_unchanged(proposer):
    sketch = sketches()
    noisy = torch.randn(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    time = torch.tensor([300.0, 900.0])
    with torch.no_grad():
        before = proposer(noisy, time, sketch)
        read = proposer(noisy, time, sketch, return_features=True)
        with pytest.raises(RuntimeError):
            proposer(noisy, time, sketch[..., :32], return_features=True)
        after = proposer(noisy, time, sketch)
    assert torch.equal(before, after)
    assert not any(module._forward_hooks for module in proposer.modules())
    assert torch.allclose(before, (noisy - read.colour) / (time / 1000.0)[:, None, None, None])


def test_logits_are_similarity_minus_distance_and_none_of_them_is_last():
    vectors = torch.eye(2)[None]  # two cells
    hint = torch.tensor([[[0.6], [0.8]]])
    alone = torch.tensor([[[-1.0, 2.0]]])
    distance = torch.tensor([[[0.5], [0.25]]])
    locality, log_scale = torch.full((1, 1, 1), 4.0), torch.tensor(10.0).log()
    found = share_logits(vectors, alone, hint, locality, distance, log_scale)
    assert torch.allclose(found, torch.tensor([[[6.0 - 2.0, -1.0], [8.0 - 1.0, 2.0]]]), atol=1e-5)


def some_cells(colour: torch.Tensor) -> DrawnCells:
    return draw_cells(colour, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("seed", range(6))
def test_vectors_that_separate_two_colours_have_the_lower_loss(seed):
    colour, log_scale = halves(3), torch.tensor(2.3)

    def loss(apart: bool) -> float:
        cells = draw_cells(colour, torch.Generator().manual_seed(seed))
        return part_loss(vectors_of(colour, apart), colour, log_scale, cells).item()

    assert 0.0 <= loss(True) < loss(False) - 0.1


def test_the_loss_of_none_of_them_is_that_of_a_hint_at_the_none_distance():
    colour = halves()
    found = vectors_of(colour, apart=True, alone=50.0)
    loss = part_loss(found, colour, torch.tensor(2.3), some_cells(colour))
    assert loss.item() == pytest.approx((NONE_DISTANCE / COLOUR_STD) ** 2 / 2.0, abs=1e-4)


def test_a_picture_of_one_colour_has_no_loss():
    colour = torch.full((2, 3, 16, 16), 0.25)
    found = vectors_of(colour, apart=False, alone=-20.0)
    loss = part_loss(found, colour, torch.tensor(2.3), some_cells(colour))
    assert loss.item() == pytest.approx(0.0, abs=1e-3)


def test_cielab_is_that_of_scikit_image():
    levels = np.array([0, 1, 5, 10, 11, 64, 128, 200, 255], np.float32) / 255.0
    rgb = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    colour = torch.from_numpy(rgb.transpose(2, 0, 1) * 2.0 - 1.0)[None]
    found = lab_planes(colour)[0].permute(1, 2, 0).numpy()
    assert np.abs(found - rgb2lab(rgb)).max() < 0.05
    white, black = (lab_planes(torch.full((1, 3, 1, 1), c)).flatten() for c in (1.0, -1.0))
    assert torch.allclose(white, torch.tensor([100.0, 0.0, 0.0]), atol=0.02)
    assert torch.allclose(black, torch.zeros(3), atol=0.02)


def test_a_hint_map_has_exactly_the_given_cells():
    colour = torch.rand(2, 3, 4, 6) * 2.0 - 1.0
    cells = torch.tensor([[0, 23, 0], [7, 8, 9]])
    found = hint_map(colour, cells)
    assert found.shape == (2, 4, 4, 6)
    assert found[0, 3].sum() == 2 and found[1, 3].sum() == 3
    assert torch.equal(found[0, :, 3, 5], torch.cat([colour[0, :, 3, 5], torch.ones(1)]))
    assert torch.equal(found[1, :3, 1, 1], colour[1, :, 1, 1])
    assert not found[1, :, 0].any()


def test_paper_white_is_very_light_and_has_no_chroma():
    levels = torch.tensor([[255, 255, 255], [250, 250, 250], [255, 250, 240], [235, 235, 235]])
    colour = (levels.T.reshape(1, 3, 2, 2) / 127.5 - 1.0).float()
    sure = torch.tensor([[50.0, 50.0], [-50.0, -50.0]])[None, None]
    assert white_loss(sure, colour).item() == pytest.approx(0.0, abs=1e-6)
    for place in range(4):
        wrong = sure.clone().view(-1)
        wrong[place] *= -1.0
        assert white_loss(wrong.view_as(sure), colour).item() == pytest.approx(12.5, abs=0.1)


def test_jittered_hints_are_close_to_the_true_colours():
    colour = torch.linspace(-1.0, 1.0, 30).expand(2, 3, 20, 30)
    picked = jitter_hints(colour, torch.Generator().manual_seed(0))
    assert picked.abs().max() <= 1.0 and not torch.equal(picked, colour)
    assert (picked - colour).abs().mean() < 0.06
    assert torch.equal(picked, jitter_hints(colour, torch.Generator().manual_seed(0)))
