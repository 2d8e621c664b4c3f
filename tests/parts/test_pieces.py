"""Regions cut where they hold several parts, and what is known of the pieces."""

import numpy as np
import pytest

from sketchcolor.parts.pieces import cell_of_pixels, cut_regions, resize_label

# Drawn vectors are of two or three kinds.
pytestmark = pytest.mark.filterwarnings("ignore:Number of distinct clusters")

SIDE, GRID = 96, 24  # px and cells a side of most drawings here
WHITE = np.ones((GRID, GRID))  # all of what lines leave to paper is


def unit(kind: np.ndarray, dimensions: int = 4) -> np.ndarray:
    """h×w kinds → D×h×w unit vectors, at right angles where kinds differ."""
    return np.eye(dimensions, dtype=np.float32)[kind].transpose(2, 0, 1)


def label_and_vectors() -> tuple[np.ndarray, np.ndarray]:
    """No paper. Region 1 is the left half, of two kinds above each other; region 2 is uniform."""
    label = np.ones((SIDE, SIDE), np.int32)
    label[:, SIDE // 2 :] = 2
    kind = np.full((GRID, GRID), 2)
    kind[: GRID // 2, : GRID // 2] = 0
    kind[GRID // 2 :, : GRID // 2] = 1
    return label, unit(kind)


def test_a_region_of_two_parts_is_cut_between_them_and_a_uniform_one_is_not():
    label, vectors = label_and_vectors()
    pieces = cut_regions(label, vectors, WHITE)
    assert pieces.label.dtype == np.int32 and pieces.grid == (GRID, GRID)
    middle = SIDE // 2
    above, below = pieces.label[: middle - 4, :middle], pieces.label[middle + 4 :, :middle]
    right = pieces.label[:, middle:]
    numbers = [set(np.unique(part)) for part in (above, below, right)]
    assert [len(found) for found in numbers] == [1, 1, 1]
    assert sorted(set.union(*numbers)) == [1, 2, 3]
    # The cut runs within a cell of where the vectors change.
    areas = pieces.area[[above[0, 0], below[0, 0], right[0, 0]]]
    assert np.abs(areas - [SIDE**2 / 4, SIDE**2 / 4, SIDE**2 / 2]).max() <= 4 * middle


def test_paper_keeps_number_0_where_there_is_none():
    label, vectors = label_and_vectors()
    for given in (vectors, vectors * 0 + vectors[:, :1]):
        pieces = cut_regions(label, given, WHITE)
        assert pieces.label.min() == 1 and pieces.area[0] == 0
        assert not pieces.vectors[0].any() and pieces.cells[[0]].sum() == 0.0
        assert (pieces.area[1:] > 0).all()


def test_paper_that_the_network_takes_for_the_figure_is_not_paper():
    """An outline with a gap lets paper into the right half; a speck of doubt changes nothing."""
    label = np.zeros((SIDE, SIDE), np.int32)
    label[:20, :20] = 1
    white = WHITE.copy()
    white[:, GRID // 2 :] = 0.1
    white[20, 3] = 0.3
    pieces = cut_regions(label, unit(np.zeros((GRID, GRID), int)), white)
    assert len(pieces.area) == 3 and pieces.area[1] == 400
    middle = SIDE // 2
    assert (pieces.label[:, middle + 4 :] == 2).all()
    assert (pieces.label[24:, : middle - 4] == 0).all()
    assert pieces.vectors.shape == (3, 4)


def test_paper_is_never_cut_by_vectors():
    label, vectors = label_and_vectors()
    pieces = cut_regions(label - 1, vectors, WHITE)
    assert np.array_equal(pieces.label, label - 1)
    # Beside a region that is cut, too.
    label[label == 2] = 0
    kind = np.zeros((GRID, GRID), int)
    kind[: GRID // 2] = 1
    pieces = cut_regions(label, unit(kind), WHITE)
    assert np.array_equal(pieces.label == 0, label == 0) and len(pieces.area) == 3


def test_uniform_regions_come_back_as_they_are():
    label, _ = label_and_vectors()
    kind = np.zeros((GRID, GRID), int)
    kind[:, GRID // 2 :] = 1
    pieces = cut_regions(label, unit(kind), WHITE)
    assert np.array_equal(pieces.label, label)
    assert np.array_equal(pieces.area, [0, SIDE**2 // 2, SIDE**2 // 2])
    assert np.allclose(pieces.vectors[1:], np.eye(4)[:2], atol=1e-6)


@pytest.mark.parametrize("stripe, cut", [(1, False), (8, True)])
def test_a_few_cells_of_another_kind_are_no_piece_of_their_own(stripe, cut):
    """A region's piece has a good share of it; what has less goes with the rest of the region."""
    label = np.ones((SIDE, SIDE), np.int32)
    kind = np.zeros((GRID, GRID), int)
    kind[8:16] = 1
    kind[16 : 16 + stripe] = 2
    pieces = cut_regions(label, unit(kind), WHITE)
    stripes = np.unique(pieces.label[4 * 16 + 1 : 4 * (16 + stripe) - 1])
    others = np.unique(pieces.label[[4, 4 * 12]])
    assert (not set(stripes) & set(others)) == cut


def test_areas_cells_and_means_are_those_of_the_pixels():
    """On a grid that does not divide the page."""
    rng = np.random.default_rng(1)
    label = np.zeros((50, 71), np.int32)
    label[10:33, 5:40], label[20:50, 45:70] = 1, 3  # no pixel of 2
    label[40:45, 3:9] = 4
    vectors = np.zeros((5, 7, 9), np.float32)
    vectors[0] = 1.0
    pieces = cut_regions(label, vectors, WHITE)
    assert np.array_equal(pieces.area, np.bincount(label.ravel()))
    sums = pieces.cells.sum(axis=1)
    assert np.allclose(sums, [1.0, 1.0, 0.0, 1.0, 1.0], atol=1e-6)
    values = rng.normal(size=(3, 7, 9)).astype(np.float32)
    of_pixels = values.reshape(3, -1)[:, cell_of_pixels(label.shape, (7, 9))]
    means = pieces.mean(values)
    assert means.shape == (5, 3)
    for piece in (0, 1, 3, 4):
        assert np.allclose(means[piece], of_pixels[:, label == piece].mean(axis=1), atol=1e-5)
    assert not means[2].any()
    cell = cell_of_pixels(label.shape, (7, 9))
    for number in range(7 * 9):
        counts = np.bincount(label[cell == number], minlength=5)
        assert counts[pieces.home[number]] == counts.max()
    assert np.allclose(pieces.mean(values[0]), means[:, 0], atol=1e-6)


def test_pixels_lie_in_cells_row_by_row():
    found = cell_of_pixels((4, 6), (2, 3))
    assert found.tolist() == [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2
    wide = cell_of_pixels((5, 5), (2, 2))
    assert wide.min() == 0 and wide.max() == 3 and len(np.unique(wide)) == 4
    fine = cell_of_pixels((2, 2), (4, 4))  # more cells than pixels
    assert fine.tolist() == [[0, 2], [8, 10]]


def test_a_label_map_of_another_size_has_no_new_numbers():
    label, _ = label_and_vectors()
    label[40:60, 30:70] = 7
    assert resize_label(label, (SIDE, SIDE)) is label
    for size in ((31, 50), (200, 120)):
        found = resize_label(label, size)
        assert found.shape == size[::-1] and found.dtype == np.int32
        assert set(np.unique(found)) == {1, 2, 7}
