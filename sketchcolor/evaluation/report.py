"""An evaluation as a Markdown table with a note that explains its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .metrics import FEATURE_LAYER

__all__ = ["COLUMNS", "markdown_table"]

# Columns and their decimal places; a column without values is left out.
COLUMNS = {
    "psnr": 2,
    "ssim": 3,
    "mse": 0,
    "lpips": 3,
    "grey_psnr": 2,
    "grey_ssim": 3,
    "pixel_difference": 1,
    "pixel_similarity": 3,
    "colour_emd": 3,
    "sift_similarity": 3,
    "colourfulness": 1,
    "fid": 1,
    "vgg19_fid": 2,
    "vgg19_kid": 3,
    "hint_delta_e": 1,
    "stroke_change": 1,
    "leak": 2,
    "palette_distance": 1,
    "other_palette": 1,
}
NOTE = (
    "Letterboxed pictures; all metrics but the set distances exclude the padding, on 8-bit values "
    "with the model's own lines. PSNR in dB; `grey_psnr` and `grey_ssim` are of grey pictures, as "
    "Liao, Ahmed & Shrestha computed them; `pixel_difference` is the mean Euclidean distance of "
    "colours in % of black to white, `pixel_similarity` 1 minus the mean absolute difference of "
    "the channels, from 0 to 1, `colour_emd` the earth mover's distance of the channels' "
    "histograms (0 to 1), `sift_similarity` the share of the truth's keypoints found again. `fid` "
    "and `lpips`, where given, are computed by torchmetrics. `vgg19_fid` and `vgg19_kid` are "
    f"Fréchet and kernel distances on spatially averaged VGG-19 {FEATURE_LAYER} features, not "
    "Inception-v3 values: compare them within this table only; on few images KID is more reliable. "
    "`hint_delta_e` is the median CIEDE2000 difference at painted pixels; `stroke_change` is how "
    "much one stroke changes its closed region, and `leak` how much it changes everything that "
    "has another colour in the true picture. `own_reference` is given the true picture's palette "
    "or style, `other_reference` that of another picture; `palette_distance` is the mean CIEDE2000 "
    "difference of the result's own palette, best matched, to that of the reference, and "
    "`other_palette` to that of a picture which is not the reference."
)


def markdown_table(results: Sequence[dict[str, Any]]) -> str:
    """One row for each model and protocol; all results must come from the same settings."""
    measured = [results[0]["truth"], *(v for r in results for v in r["protocols"].values())]
    columns = [name for name in COLUMNS if any(name in values for values in measured)]
    rows = [("model", "protocol", *columns)]
    for result in results:
        for protocol, values in result["protocols"].items():
            rows.append((result["model"], protocol, *(_cell(values, name) for name in columns)))
            for kind, label in (("_of_mean", "mean of {}"), ("_best", "best of {}")):
                if f"psnr{kind}" in values:
                    shown = {k.removesuffix(kind): v for k, v in values.items() if k.endswith(kind)}
                    label = f"{protocol}, {label.format(result['settings']['samples'])}"
                    rows.append((result["model"], label, *(_cell(shown, n) for n in columns)))
    truth = results[0]["truth"]
    rows.append(("truth", "", *(_cell(truth, name) for name in columns)))
    header, *body = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "|" + "---|" * 2 + "---:|" * len(columns)
    settings = results[0]["settings"]
    caption = f"{settings['images']} images at {settings['side']} px, seed {settings['seed']}. "
    return "\n".join([header, rule, *body, "", caption + NOTE]) + "\n"


def _cell(values: dict[str, float], name: str) -> str:
    if name not in values:
        return ""
    cell = f"{values[name]:.{COLUMNS[name]}f}"
    return f"{cell} ± {values[f'{name}_std']:.3f}" if f"{name}_std" in values else cell
