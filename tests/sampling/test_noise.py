"""What a proposal starts from: as random as the seed says, arranged as the drawing is."""

import numpy as np
import pytest
import torch

from sketchcolor.sampling import noise
from sketchcolor.sampling.noise import starting_noise

FACTOR, CELLS = 4, 48


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.fixture
def halves() -> torch.Tensor:
    """A page with a thick line down its middle."""
    side = FACTOR * CELLS
    page = torch.ones(1, 1, side, side)
    page[..., side // 2 - 4 : side // 2 + 4] = -1.0
    return page


def test_a_picture_has_its_noise_from_its_own_seed_and_sketch(halves):
    blank = torch.ones_like(halves)
    both = starting_noise(torch.cat([halves, blank]), FACTOR, seeded(1, 2))
    assert both.shape == (2, 3, CELLS, CELLS) and both.dtype == torch.float32
    assert torch.equal(both[:1], starting_noise(halves, FACTOR, seeded(1)))
    assert torch.equal(both[1:], starting_noise(blank, FACTOR, seeded(2)))
    assert not torch.equal(both[1:], starting_noise(halves, FACTOR, seeded(2)))
    one_for_all = starting_noise(torch.cat([halves, halves]), FACTOR, seeded(3)[0])
    assert not torch.equal(one_for_all[0], one_for_all[1])


def test_tint_is_left_more_to_chance_than_brightness(halves):
    drawn = starting_noise(halves, FACTOR, seeded(4))
    brightness = drawn.mean(1, keepdim=True)
    # Of white noise, a third of the energy is brightness: σ 0.58 against 0.82 a channel.
    assert brightness.std() < 0.4
    assert (drawn - brightness).std() > 0.9


def test_a_slow_change_becomes_a_step_where_the_line_is():
    ramp = np.linspace(-1.0, 1.0, CELLS, dtype=np.float32)
    white = np.zeros((CELLS, CELLS, 3), np.float32)
    white[..., 0], white[..., 1] = ramp, -ramp  # a tint without brightness
    blank = np.zeros((FACTOR * CELLS, FACTOR * CELLS), np.float32)
    lined = blank.copy()
    line = 33  # in cells; the regions' centres are at 6, 18, 30 and 42 and meet at 36
    lined[:, FACTOR * line : FACTOR * line + 3] = 1.0
    for ink, alike in ((blank, 30), (lined, 42)):
        row = noise._arrange(white, ink)[CELLS // 8, :, 0]
        assert abs(row[34] - row[alike]) < 0.3 * abs(row[42] - row[30])
        assert row[42] - row[30] > 0.2


def test_grey_paper_has_the_regions_of_white_paper(halves):
    grey = 0.5 * halves
    white, dull = (starting_noise(page, FACTOR, seeded(5)) for page in (halves, grey))
    assert torch.allclose(white, dull, atol=0.05)


def test_regions_of_one_drawing_are_found_once(halves, monkeypatch):
    """Two starts, four variants and every stroke after them have the same lines."""
    found = []
    look = noise.nearest_seed
    monkeypatch.setattr(noise, "nearest_seed", lambda *given: found.append(1) or look(*given))
    noise._regions.cache_clear()
    first = starting_noise(torch.cat([halves, halves]), FACTOR, seeded(6, 6))
    again = starting_noise(halves, FACTOR, seeded(6))
    assert len(found) == 1
    assert torch.equal(first, torch.cat([again, again]))
    starting_noise(-halves, FACTOR, seeded(6))
    assert len(found) == 2
