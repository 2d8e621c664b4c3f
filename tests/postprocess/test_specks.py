"""Specks in label maps."""

import numpy as np

from sketchcolor.postprocess.specks import LARGEST_SPECK, absorb_specks


def test_specks_go_to_what_is_beside_them_and_larger_islands_stay():
    label = np.zeros((40, 60), np.int32)
    label[:, 30:] = 7
    expected = label.copy()
    label[0, 0] = 7  # in the corner
    label[10:12, 10:15] = 7  # as large as a speck may be
    label[20, 31:34] = 0
    label[21, 34] = 0  # touches the one before by its corner only
    label[30, 29] = label[31, 30] = 7
    label[5:8, 40:44] = expected[5:8, 40:44] = 0  # larger
    assert label[10:12, 10:15].size == LARGEST_SPECK
    expected[30, 29] = 7  # joined to its part by a side
    assert (absorb_specks(label) == expected).all()


def test_a_part_that_is_only_a_speck_is_kept():
    label = np.zeros((12, 12), np.int32)
    label[4:6, 4:6] = 300000
    assert (absorb_specks(label) == label).all()
    assert absorb_specks(label).dtype == np.int32
