"""White hints on the ground, for networks that ask which colours there are."""

import numpy as np

from sketchcolor.parts.paper_hints import paper_hints


def test_dots_lie_on_the_ground_along_the_rim_and_nowhere_else():
    label = np.ones((200, 100), np.int32)
    label[:, :40] = 0  # paper at the left
    found = paper_hints(label, (64, 32))
    assert found.shape == (1, 4, 64, 32)
    mask = found[0, 3] > 0
    assert mask.any() and (found[0, :, mask] == 1.0).all()
    assert not found[0, :, ~mask].any()
    assert not mask[:, 32 * 40 // 100 :].any()
    inside = mask[7:-7, 4:-4]  # a tenth of the page within
    assert not inside.any()


def test_a_figure_that_fills_the_page_has_no_paper():
    assert not paper_hints(np.ones((50, 80), np.int32), (32, 48)).any()


def test_narrow_ground_beside_a_figure_gets_no_dot():
    label = np.zeros((96, 96), np.int32)
    label[10:-10, 10:-10] = 1
    assert paper_hints(label, (96, 96)).any()
    label[3:-3, 3:-3] = 1
    assert not paper_hints(label, (96, 96)).any()
