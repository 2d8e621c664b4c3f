"""Image and set metrics for colourings.

Pictures are uint8 H×W×3 sRGB arrays, as they would be saved. The Fréchet and kernel distances here
use VGG-19 features, as their names say: they cannot be compared with the Inception-v3 values of the
literature.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from scipy.optimize import linear_sum_assignment
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import (
    mean_squared_error,
    peak_signal_noise_ratio,
    structural_similarity,
)
from torch import Tensor

from ..models.vgg19 import VGG19Features

# Among relu2_2, 3_4, 4_4 and 5_4, the distance on this layer separated pictures with halved or bled
# chroma best from sampling noise. With 256 channels, the covariances of a few hundred images also
# have full rank.
FEATURE_LAYER = "relu3_4"


def mse(output: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared difference of 8-bit levels over the channels (the SGRU report), 0 to 65,025."""
    return float(mean_squared_error(truth, output))


def psnr(output: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over all three channels; infinite for equal pictures."""
    if np.array_equal(output, truth):
        return float("inf")
    return float(peak_signal_noise_ratio(truth, output, data_range=255))


def ssim(output: np.ndarray, truth: np.ndarray) -> float:
    """Mean structural similarity over the three channels, at most 1.

    Gaussian window of σ 1.5 with population covariances, as in Wang et al. 2004, section III.
    The shorter side must be 11 px or more.
    """
    return float(
        structural_similarity(
            truth.astype(np.float32),
            output.astype(np.float32),
            data_range=255,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def grey_psnr(output: np.ndarray, truth: np.ndarray) -> float:
    """PSNR of grey pictures in dB, as the code of Liao, Ahmed & Shrestha computes it.

    Their peak is the truth's own range of grey levels. Infinite for equal grey pictures, NaN for a
    truth of one grey level.
    """
    found, true = _grey(output), _grey(truth)
    if np.array_equal(found, true):
        return float("inf")
    span = int(np.ptp(true))
    return float(peak_signal_noise_ratio(true, found, data_range=span)) if span else float("nan")


def grey_ssim(output: np.ndarray, truth: np.ndarray) -> float:
    """SSIM of grey pictures, as the code of Liao, Ahmed & Shrestha computes it.

    A square window of 7 px, and the truth's own range of grey levels; NaN for a truth of one grey
    level.
    """
    found, true = _grey(output), _grey(truth)
    span = int(np.ptp(true))
    return float(structural_similarity(true, found, data_range=span)) if span else float("nan")


def _grey(picture: np.ndarray) -> np.ndarray:
    """H×W uint8 brightness (ITU-R BT.601)."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).convert("L"))


def colourfulness(image: np.ndarray) -> float:
    """M⁽³⁾ of Hasler and Süsstrunk 2003, section 7: 0 is grey, about 109 "extremely colourful"."""
    red, green, blue = np.moveaxis(image.astype(np.float64), -1, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    offset = np.hypot(red_green.mean(), yellow_blue.mean())
    return float(spread + 0.3 * offset)


def hint_delta_e(output: np.ndarray, hint_map: np.ndarray) -> np.ndarray:
    """CIEDE2000 difference between hint and output at every painted pixel.

    Args:
        output: uint8 H×W×3 sRGB.
        hint_map: float H×W×4, RGB in [-1, 1] and a mask in {0, 1}.

    Returns:
        Differences at the painted pixels, row by row; empty without any. About 2 is just noticeable
        side by side.
    """
    painted = hint_map[..., 3] > 0.5
    hints = rgb2lab((hint_map[..., :3][painted] + 1) / 2)
    found = rgb2lab(output[painted] / 255)
    return deltaE_ciede2000(hints, found)


def palette_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Mean CIEDE2000 difference between two palettes' colours, matched so that it is minimal.

    Args:
        first, second: N×3 and M×3 uint8 sRGB; min(N, M) pairs are matched.
    """
    labs = [rgb2lab(colors[None] / 255)[0] for colors in (first, second)]
    differences = deltaE_ciede2000(labs[0][:, None], labs[1][None])
    return float(differences[linear_sum_assignment(differences)].mean())


@torch.no_grad()
def vgg19_features(vgg: VGG19Features, images: Tensor, layer: str = FEATURE_LAYER) -> Tensor:
    """One vector per image for the set distances: a layer's activations, averaged over space.

    Args:
        vgg: the network; the scale of the features depends on its weights.
        images: B×3×H×W in [-1, 1], of the same size in all sets, as VGG-19 is not scale-invariant.

    Returns:
        B×C float64 on the CPU.
    """
    images = images.contiguous(memory_format=torch.channels_last)
    return vgg(images, [layer])[layer].mean((2, 3)).double().cpu()


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Squared Fréchet distance between Gaussians fitted to two sets (Heusel et al. 2017, eq. 6).

    With fewer samples than dimensions the covariances are singular, and the distance has a positive
    bias that grows as the sets get smaller: compare only values from sets of the same size. No
    shrinkage is applied. The trace of the covariances' geometric mean is computed as the nuclear
    norm of the product of the centred sets, which needs neither full rank nor a matrix square root.

    Args:
        first, second: N×D and M×D features, N and M at least 2.
    """
    first, second = first.double(), second.double()
    shift = first.mean(0) - second.mean(0)
    # Rows scaled so that A Aᵀ summed over samples is the unbiased covariance.
    a = (first - first.mean(0)) / (len(first) - 1) ** 0.5
    b = (second - second.mean(0)) / (len(second) - 1) ** 0.5
    cross = torch.linalg.svdvals(a @ b.T).sum()
    distance = shift.square().sum() + a.square().sum() + b.square().sum() - 2 * cross
    return max(float(distance), 0.0)


def kernel_distance(
    first: Tensor, second: Tensor, subsets: int = 100, subset_size: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Unbiased squared MMD with the kernel (x·y / D + 1)³ (Bińkowski et al. 2018, section 4).

    Unlike for the Fréchet distance, the expectation does not depend on the number of samples, so it
    is more reliable on a few hundred images. It may be slightly negative for equal sets.

    Args:
        first, second: N×D and M×D features of a magnitude about 1 (see `set_distances`).
        subsets, subset_size: random subsets without replacement, of at most half of the smaller
            set, so that they differ.
        seed: of the subsets.

    Returns:
        Mean and standard deviation over the subsets.
    """
    size = min(subset_size, max(2, min(len(first), len(second)) // 2))
    chosen = torch.Generator().manual_seed(seed)
    values = []
    for _ in range(subsets):
        x = first[torch.randperm(len(first), generator=chosen)[:size]].double()
        y = second[torch.randperm(len(second), generator=chosen)[:size]].double()
        values.append(_unbiased_mmd(x, y))
    estimates = torch.stack(values)
    return float(estimates.mean()), float(estimates.std(correction=0))


def set_distances(outputs: Tensor, truths: Tensor) -> dict[str, float]:
    """Both set distances between the VGG-19 features of outputs and truths.

    All features are first divided by the root mean square of the truths', because the two
    conventions of VGG-19 weights differ in scale and the cubic kernel needs a magnitude about 1.

    Returns:
        ``vgg19_fid``, ``vgg19_kid`` and ``vgg19_kid_std``.
    """
    scale = truths.square().mean().sqrt()
    outputs, truths = outputs / scale, truths / scale
    mean, deviation = kernel_distance(outputs, truths)
    return {
        "vgg19_fid": frechet_distance(outputs, truths),
        "vgg19_kid": mean,
        "vgg19_kid_std": deviation,
    }


def _unbiased_mmd(x: Tensor, y: Tensor) -> Tensor:
    n, dimensions = x.shape

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / dimensions + 1) ** 3

    xx, yy = kernel(x, x), kernel(y, y)
    within = xx.sum() - xx.trace() + yy.sum() - yy.trace()
    return within / (n * (n - 1)) - 2 * kernel(x, y).mean()
