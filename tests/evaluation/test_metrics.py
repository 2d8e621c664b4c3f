"""Metrics against published or hand-computed values."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from skimage.color import deltaE_ciede2000

from sketchcolor.evaluation import metrics
from sketchcolor.models.vgg19 import VGG19Features


def flat(*rgb: int, size: int = 16) -> np.ndarray:
    return np.full((size, size, 3), rgb, dtype=np.uint8)


def test_mse_by_hand():
    truth = flat(100, 100, 100)
    output = truth.copy()
    output[:4, :, 0] = 116  # a quarter of one of three channels is 16 off
    assert metrics.mse(output, truth) == pytest.approx(16**2 / 12)


def test_psnr_of_a_constant_offset():
    value = metrics.psnr(flat(116, 116, 116), flat(100, 100, 100))
    assert value == pytest.approx(20 * math.log10(255 / 16))
    assert metrics.psnr(flat(7, 8, 9), flat(7, 8, 9)) == math.inf


def test_ssim_of_flat_pictures_is_the_luminance_term():
    constant = (0.01 * 255) ** 2
    expected = (2 * 60 * 180 + constant) / (60**2 + 180**2 + constant)
    assert metrics.ssim(flat(60, 60, 60), flat(180, 180, 180)) == pytest.approx(expected, rel=1e-4)


def test_ssim_of_equal_and_inverted_noise():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    assert metrics.ssim(noise, noise) == pytest.approx(1)
    assert metrics.ssim(255 - noise, noise) < -0.8


def test_grey_scores_have_the_truths_range_of_levels():
    """As in the code of Liao, Ahmed & Shrestha: peak and data range are the truth's own."""
    truth = np.repeat(np.arange(100, 164, 4, dtype=np.uint8), 16).reshape(16, 16)
    truth = np.stack([truth] * 3, axis=-1)  # grey levels 100 to 160
    output = truth + np.uint8(6)
    assert metrics.grey_psnr(output, truth) == pytest.approx(20 * math.log10(60 / 6))
    assert metrics.grey_psnr(truth, truth) == math.inf
    assert metrics.grey_ssim(truth, truth) == pytest.approx(1)
    assert metrics.grey_ssim(output, truth) < 1
    # Colours of one brightness are the same picture to them.
    red_for_blue = truth.copy()
    red_for_blue[..., 0] += 11
    red_for_blue[..., 2] -= 29
    assert metrics.grey_psnr(red_for_blue, truth) > 30
    assert math.isnan(metrics.grey_psnr(output, flat(5, 5, 5)))
    assert math.isnan(metrics.grey_ssim(output, flat(5, 5, 5)))


def test_colourfulness_by_hand():
    assert metrics.colourfulness(flat(90, 90, 90)) == 0
    # Half red, half green: rg = ±255, yb = 127.5 everywhere.
    halves = np.concatenate([flat(255, 0, 0), flat(0, 255, 0)])
    assert metrics.colourfulness(halves) == pytest.approx(255 + 0.3 * 127.5)
    # One flat blue: no spread, rg = 0, yb = -255.
    assert metrics.colourfulness(flat(0, 0, 255)) == pytest.approx(0.3 * 255)


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [  # pairs 1, 7, 17 and 25 of Sharma, Wu and Dalal 2005, table 1
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_library_difference_matches_published_pairs(first, second, difference):
    assert deltaE_ciede2000(first, second) == pytest.approx(difference, abs=1e-4)


def test_hint_delta_e_counts_painted_pixels_only():
    output = np.concatenate([flat(255, 0, 0), flat(0, 255, 0)])
    hints = np.zeros((32, 16, 4), dtype=np.float32)
    hints[2, 3] = (1, -1, -1, 1)  # red on red
    hints[20, 4] = (1, -1, -1, 1)  # red on green: 86.608, the well-known value for sRGB
    assert metrics.hint_delta_e(output, hints) == pytest.approx([0, 86.608], abs=5e-3)
    assert metrics.hint_delta_e(output, np.zeros_like(hints)).size == 0


def exact_sample(mean: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> torch.Tensor:
    """Samples whose own mean and unbiased covariance are exactly the given ones."""
    x = np.random.default_rng(seed).normal(size=(count, len(mean)))
    x -= x.mean(0)
    white = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return torch.from_numpy(white @ np.linalg.cholesky(covariance).T + mean)


def test_frechet_distance_of_known_gaussians():
    first = exact_sample(np.array([1.0, 0.0]), np.diag([4.0, 9.0]), 50, seed=0)
    second = exact_sample(np.array([4.0, 4.0]), np.diag([1.0, 1.0]), 70, seed=1)
    # |μ|² = 25; commuting covariances: (2 - 1)² + (3 - 1)² = 5
    assert metrics.frechet_distance(first, second) == pytest.approx(30, rel=1e-9)


def test_frechet_distance_agrees_with_the_matrix_square_root():
    rng = np.random.default_rng(2)
    a, b = (m @ m.T + np.eye(5) for m in rng.normal(size=(2, 5, 5)))
    mean = rng.normal(size=(2, 5))
    first, second = exact_sample(mean[0], a, 40, seed=3), exact_sample(mean[1], b, 40, seed=4)
    expected = ((mean[0] - mean[1]) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert metrics.frechet_distance(first, second) == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_with_fewer_samples_than_dimensions():
    features = torch.randn(10, 64, generator=torch.Generator().manual_seed(0))
    assert metrics.frechet_distance(features, features) == pytest.approx(0, abs=1e-5)
    assert metrics.frechet_distance(features, features + 0.5) == pytest.approx(16, rel=1e-5)


def test_kernel_distance_by_hand():
    first, second = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    # within: k(0,1) = 1 and k(1,2) = 27; across: (1 + 1 + 8 + 27) / 4
    expected = 1 + 27 - 2 * (1 + 1 + 8 + 27) / 4
    mean, deviation = metrics.kernel_distance(first, second, subsets=3)
    assert mean == pytest.approx(expected)
    assert deviation == pytest.approx(0, abs=1e-9)


def test_kernel_distance_is_unbiased_and_sees_a_shift():
    draw = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 400, 32, generator=draw)
    same, deviation = metrics.kernel_distance(first, second, subsets=50, subset_size=100)
    assert abs(same) < 0.05 and deviation > 0
    moved, _ = metrics.kernel_distance(first, second + 1, subsets=50, subset_size=100)
    assert moved > 1
    again, _ = metrics.kernel_distance(first, second + 1, subsets=50, subset_size=100)
    assert moved == again


def test_set_distances_ignore_the_scale_of_the_weights():
    draw = torch.Generator().manual_seed(0)
    outputs, truths = torch.rand(2, 30, 16, generator=draw)
    small, large = (metrics.set_distances(outputs * s, truths * s) for s in (1, 255))
    assert set(small) == {"vgg19_fid", "vgg19_kid", "vgg19_kid_std"}
    assert small == pytest.approx(large)


def test_vgg19_features_are_spatial_means():
    vgg = VGG19Features(channels=(4, 4, 6, 4, 4))
    images = torch.rand(3, 3, 32, 32) * 2 - 1
    features = metrics.vgg19_features(vgg, images)
    assert features.shape == (3, 6) and features.dtype == torch.float64
    expected = vgg(images, [metrics.FEATURE_LAYER])[metrics.FEATURE_LAYER].mean((2, 3))
    torch.testing.assert_close(features.float(), expected)
