"""Where the lines of a drawing divide it, gaps or not, and which of it is paper."""

import cv2
import numpy as np
import pytest
from PIL import Image

from sketchcolor.lineart.regions import Regions, find_regions

SIDE = 600


def page(paper: int = 255) -> np.ndarray:
    return np.full((SIDE, SIDE), paper, np.uint8)


def bust(ink: int = 0, paper: int = 255, thickness: int = 3) -> np.ndarray:
    """A head on shoulders that the page cuts off below."""
    drawing = page(paper)
    cv2.ellipse(drawing, (300, 220), (110, 140), 0, 0, 360, ink, thickness)
    shoulders = np.array([[110, SIDE], [140, 430], [230, 380], [370, 380], [460, 430], [490, SIDE]])
    cv2.polylines(drawing, [shoulders], False, ink, thickness)
    return drawing


def regions(drawing: np.ndarray) -> Regions:
    return find_regions(Image.fromarray(drawing))


def test_every_pixel_has_a_region_and_the_largest_come_first():
    drawing = bust()
    label, area = regions(drawing)
    assert label.shape == drawing.shape and label.dtype == np.int32
    assert np.array_equal(np.bincount(label.ravel()), area)
    assert np.all(np.diff(area[1:]) <= 0)
    assert label[0, 0] == 0 and label[580, 300] == 1 and label[220, 300] == 2
    assert len(area) == 3


def test_regions_meet_in_the_middle_of_a_line():
    drawing = page()
    cv2.rectangle(drawing, (100, 100), (500, 500), 0, 5)
    cv2.line(drawing, (300, 100), (300, 500), 0, 5)
    label, _ = regions(drawing)
    left, right = label[300, 200], label[300, 400]
    assert left != right and min(left, right) > 0
    assert np.all(label[300, 200:299] == left) and np.all(label[300, 302:400] == right)
    assert set(label[300, 90:98]) == {0} and label[300, 103] == left


@pytest.mark.parametrize(
    "ink, paper, thickness",
    [(0, 255, 1), (0, 255, 7), (225, 255, 1), (140, 200, 2), (185, 200, 2)],
    ids=["thin", "heavy", "faint", "grey paper", "faint on grey paper"],
)
def test_lines_of_any_kind_bound_regions(ink, paper, thickness):
    label, area = regions(bust(ink, paper, thickness))
    head, body = label[220, 300], label[500, 300]
    assert label[20, 300] == 0 and head > 0 and body > 0 and head != body
    assert len(area) == 3


def test_a_photograph_with_shade_and_grain():
    shade = np.linspace(1.0, 0.8, SIDE)[None] * np.linspace(1.0, 0.9, SIDE)[:, None]
    grain = np.random.default_rng(0).normal(0.0, 3.0, (SIDE, SIDE))
    photograph = np.clip(bust(ink=150, paper=240) * shade + grain, 0, 255).astype(np.uint8)
    label, area = regions(photograph)
    assert label[20, 300] == 0 and label[500, 20] == 0
    assert label[220, 300] > 0 and label[500, 300] > 0
    assert area[1:3].sum() > 0.98 * area[1:].sum()


def test_what_a_jpeg_leaves_beside_lines_makes_no_specks():
    _, file = cv2.imencode(".jpg", bust(), [cv2.IMWRITE_JPEG_QUALITY, 10])
    label, area = regions(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE))
    assert label[20, 300] == 0 and label[220, 300] != label[500, 300]
    assert len(area) <= 5


def test_a_gap_in_an_outline_is_no_door():
    drawing = page()
    cv2.circle(drawing, (300, 300), 120, 0, 2)
    drawing[170:190, 298:302] = 255  # some 0.6 % of the side
    label, _ = regions(drawing)
    inside = np.hypot(*(np.indices(drawing.shape) - 300)) < 115
    assert label[20, 20] == 0 and np.all(label[inside] == label[300, 300])
    assert label[300, 300] > 0


def test_a_gap_between_two_regions_is_no_door():
    drawing = bust()
    cv2.line(drawing, (300, 385), (300, SIDE), 0, 2)
    drawing[500:504, 296:305] = 255
    label, _ = regions(drawing)
    assert label[480, 250] != label[480, 350]
    assert np.all(label[480:530, 250] == label[480, 250])


def test_a_strand_between_two_lines_is_a_region_of_its_own_also_with_an_open_end():
    drawing = bust()
    cv2.line(drawing, (300, 78), (300, 260), 0, 1)
    cv2.line(drawing, (304, 78), (304, 260), 0, 1)  # 3 px of paper between
    label, _ = regions(drawing)
    strand = label[90:250, 302]
    assert np.all(strand == strand[0])
    assert strand[0] not in {0, label[200, 250], label[200, 350]}
    assert label[300, 300] == label[220, 250] or label[300, 300] == label[220, 350]


def test_a_strand_that_gets_narrower_is_one():
    drawing = bust()
    cv2.polylines(drawing, [np.array([[293, 78], [298, 300], [303, 300], [310, 78]])], False, 0, 1)
    label, area = regions(drawing)
    assert len(np.unique(label[82:297, 300])) == 1 and label[100, 300] != label[220, 250]
    assert len(area) == 4


def test_a_small_iris_is_a_region_of_its_own():
    drawing = bust()
    cv2.ellipse(drawing, (260, 220), (25, 12), 0, 0, 360, 0, 1)
    cv2.circle(drawing, (260, 220), 4, 0, 1)  # 6 to 7 px of paper across
    label, _ = regions(drawing)
    assert len({label[220, 260], label[220, 245], label[270, 300]}) == 3
    assert label[220, 245] == label[220, 275]


def test_corners_and_dots_make_no_pieces():
    drawing = page()
    star = np.array([[300, 100], [350, 250], [500, 300], [350, 350], [300, 500], [250, 350]])
    cv2.polylines(drawing, [star], True, 0, 2)
    drawing[400:500:20, 60:200:20] = 0  # what a scanner leaves
    label, area = regions(drawing)
    assert len(area) == 2 and label[300, 300] == 1 and label[450, 100] == 0


def test_ink_wider_than_lines_is_a_region():
    drawing = bust()
    cv2.circle(drawing, (300, 200), 40, 0, -1)
    label, _ = regions(drawing)
    solid = label[200, 300]
    assert solid not in {0, label[300, 300]}
    assert abs(np.count_nonzero(label == solid) / (np.pi * 40**2) - 1) < 0.1


def test_what_the_rims_cut_off_is_the_figures_unless_it_is_open_and_high():
    drawing = page()
    cv2.polylines(drawing, [np.array([[0, 430], [250, 300], [450, 300], [599, 380]])], False, 0, 3)
    cv2.ellipse(drawing, (350, 200), (70, 100), 0, 0, 360, 0, 3)
    label, _ = regions(drawing)
    assert label[20, 20] == label[20, 580] == 0
    assert label[560, 20] > 0 and label[500, 590] > 0 and label[590, 300] > 0


def test_an_arm_does_not_cut_paper_at_the_side_off():
    drawing = page()
    cv2.line(drawing, (200, 0), (200, SIDE), 0, 3)
    for y in (150, 200):
        cv2.line(drawing, (0, y), (200, y), 0, 3)
    label, _ = regions(drawing)
    assert label[50, 50] == 0 and label[400, 50] == 0 and label[175, 100] > 0


def test_a_page_without_open_ground_has_no_paper():
    drawing = page()
    for place in range(0, SIDE, 25):
        drawing[place : place + 2] = drawing[:, place : place + 2] = 0
    label, area = regions(drawing)
    assert area[0] == 0 and label.min() == 1
    assert len(area) == 1 + 24**2


def test_a_painted_ground_is_no_paper():
    drawing = bust()
    drawing[:300, 450:] = 150
    drawing[:300, :150] = 150
    label, area = regions(drawing)
    assert area[0] == 0 and label[20, 300] > 0


def test_large_sketches_are_shrunk_to_the_working_size_and_small_ones_keep_theirs():
    large = cv2.resize(bust()[:400], (1200, 800), interpolation=cv2.INTER_CUBIC)
    label, area = find_regions(Image.fromarray(large), long_side=600)
    assert label.shape == (400, 600) and area.sum() == label.size
    assert find_regions(Image.fromarray(large)).label.shape == (800, 1200)


@pytest.mark.parametrize("level, paper", [(255, 1), (128, 1), (0, 0)])
@pytest.mark.parametrize("shape", [(1, 1), (60, 40), (3, 300)])
def test_pages_of_one_level_are_one_region(level, paper, shape):
    label, area = regions(np.full(shape, level, np.uint8))
    assert len(np.unique(label)) == 1
    assert area[0] == paper * label.size and area.sum() == label.size
