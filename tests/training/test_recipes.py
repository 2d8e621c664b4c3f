"""Every number that a paper prints, against the recipe that stands for the paper.

Where a paper prints nothing, the number of its authors' public code is pinned and marked so.
"""

import inspect

import pytest
import torch

from sketchcolor.conditions import hints
from sketchcolor.lineart.extract import adaptive_threshold
from sketchcolor.models import DISCRIMINATORS, MODELS
from sketchcolor.models.pix2pix import CHANNELS
from sketchcolor.style.settings import FAITHFUL
from sketchcolor.style.transfer import STYLE_LAYERS
from sketchcolor.training.recipes import RECIPES
from train_accelerate import parse_args, resolve_recipe

PAPERS = (
    "pix2pix",
    "pix2pix-distort",
    "auto-painter",
    "sgru",
    "sgru-hint",
    "style-guided",
    "palette-attention",
    "whiteout-hint",
)
PATCH_70 = {"channels": (64, 128, 256, 512), "batch_norm": True}  # W. Zhang, table 1

# Recipe → field → value.
PRINTED = {
    # Liao, Ahmed & Shrestha: section 4.1 (rates, batch, epochs, λ), 4.2 (size), equation 4 (L1).
    "pix2pix": {
        "learning_rate": 2e-4,
        "discr_learning_rate": 2e-4,
        "train_batch_size": 16,
        "num_train_epochs": 150,
        "resolution": 256,
        "adversarial": "bce",
        "pixel_weight": 100.0,
        "pixel_distance": "l1",
        "adversarial_weight": 1.0,
        "adam_beta1": 0.5,  # their code, and Isola et al., section 3.3
        "adam_beta2": 0.999,
        "discriminator_config": PATCH_70,
        "hint_rate": 0.0,
    },
    # W. Zhang: 65 epochs, 256 px, cross entropy and L1; rotation, shear, zoom, shift and noise.
    "pix2pix-distort": {
        "num_train_epochs": 65,
        "resolution": 256,
        "augmentation": "distort",
        "adversarial": "bce",
        "pixel_distance": "l1",
        "discriminator_config": PATCH_70,
    },
    # Liu, Qin, Wan & Luo, by the SGRU report: L_p is L1, L_f the norm of VGG-16 features. Code:
    # rates, batch, epochs, β1, layer and weights.
    "auto-painter": {
        "learning_rate": 2e-5,
        "discr_learning_rate": 2e-5,
        "train_batch_size": 1,
        "num_train_epochs": 20,
        "adam_beta1": 0.5,
        "pixel_weight": 50.0,
        "pixel_distance": "l1",
        "adversarial_weight": 1.0,
        "perceptual_weight": 1e-4,
        "perceptual_distance": "norm",
        "perceptual_layers": ("relu3_2",),
        "lineart": "xdog",
        "augmentation": "flip",
        "hint_kind": "strokes",
    },
    # Liu, Chen & Hu, by the SGRU report: L_g is a weighted L1 over VGG-19 layers and the pixels,
    # L_d is of D(G) alone. Code: λ_l.
    "sgru": {
        "perceptual_layers": ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2"),
        "perceptual_layer_weights": (0.79, 0.63, 0.51, 0.39, 1.07),
        "pixel_weight": 0.88,
        "pixel_distance": "l1",
        "adversarial": "bce",
        "discriminator_config": {
            "channels": (64, 128, 256, 512),
            "spectral_norm": True,
            "sees_sketch": False,
        },
        "hint_rate": 0.0,
    },
    # Ye et al.: the same with hints.
    "sgru-hint": {"hint_kind": "grid", "hint_rate": 1.0, "model_config": {"hints": True}},
    # Zhang, Ji & Lin, by the SGRU report: α and β are not in it; 0.3 and 0.9 are of the original.
    "style-guided": {"guide_weights": (0.3, 0.9), "pixel_distance": "l1"},
    # tlwh1179, section 2 (losses and λ1 to λ3), section 1.1 (batch), 1.5 (spectral norm); code:
    # palette planes in D, the first four modules of VGG.
    "palette-attention": {
        "train_batch_size": 2,
        "adversarial": "lsgan",
        "adversarial_weight": 1.0,
        "pixel_weight": 100.0,
        "pixel_distance": "l1",
        "perceptual_weight": 1e-4,
        "perceptual_distance": "l2",
        "perceptual_layers": ("relu1_2",),
        "variation_weight": 1e-2,
        "palette_rate": 1.0,
        "discriminator_config": {
            "channels": (64, 128, 256, 512),
            "spectral_norm": True,
            "palette_colours": 9,
        },
    },
    # Grover & Banker: section 3 (64 px), 4.1 (adaptive threshold), 4.2 (white-outs), 4.2.2 (L2),
    # section 6 (25 epochs). No augmentation is mentioned.
    "whiteout-hint": {
        "resolution": 64,
        "lineart": "adaptive-mean",
        "hint_kind": "white-out",
        "hint_rate": 1.0,
        "pixel_distance": "l2",
        "adversarial": "bce",
        "num_train_epochs": 25,
        "augmentation": "none",
    },
}


@pytest.mark.parametrize(
    "recipe, field, value",
    [(name, field, value) for name, fields in PRINTED.items() for field, value in fields.items()],
)
def test_a_resolved_recipe_has_what_its_paper_prints(recipe, field, value):
    resolved = resolve_recipe(parse_args(["--recipe", recipe, "--output_dir", "run"]))
    assert getattr(resolved, field) == value


@pytest.mark.parametrize("recipe", PAPERS)
def test_no_paper_clips_gradients_averages_weights_or_halves_its_discriminators_loss(recipe):
    settings = RECIPES[recipe]
    assert (settings.max_grad_norm, settings.ema_decay, settings.discr_loss_weight) == (0, 0, 1)
    assert recipe in PRINTED and settings.source


def test_printed_layers_and_sizes_of_the_networks():
    with torch.device("meta"):
        # Liao, Ahmed & Shrestha, 3.1.1: CE64-CE128-CE256-CE512-…, down to 1×1.
        assert CHANNELS == (64, 128, 256, 512, 512, 512, 512, 512)
        # W. Zhang, table 1: 30×30 scores of 256² pictures.
        patches = DISCRIMINATORS["patch"](**RECIPES["pix2pix"].discriminator_config)
        pictures = torch.ones(2, 1, 256, 256), torch.ones(2, 3, 256, 256)
        assert patches(*pictures).shape == (2, 1, 30, 30)
        # tlwh1179, 1.4: 30 input planes, of which the palette is 27.
        palette = MODELS["palette-attention"]()
        assert palette.down[0].body[0].in_channels == 30
        # Grover & Banker, 4.2.1: 5×5 filters of stride 2, widths that double from 64.
        whiteout = MODELS["whiteout-hint"]()
        first = [layer.body[0] for layer in whiteout.down]
        assert [each.out_channels for each in first] == [64, 128, 256, 512]
        assert {each.kernel_size + each.stride for each in first} == {(5, 5, 2, 2)}


def test_printed_numbers_of_hints_line_art_and_style():
    # Grover & Banker: 30 white-outs of 10×10, block size 9 and a constant of 2, five style layers,
    # α = β = 0.001, 1000 iterations at a rate of 1, 512 px.
    assert (hints.WHITE_OUTS, hints.WHITE_OUT_SIDE) == (30, 10)
    defaults = inspect.signature(adaptive_threshold).parameters
    assert (defaults["block"].default, defaults["constant"].default) == (9, 2)
    assert STYLE_LAYERS == tuple(f"relu{block}_1" for block in range(1, 6))
    assert (FAITHFUL.alpha, FAITHFUL.beta, FAITHFUL.learning_rate) == (1e-3, 1e-3, 1.0)
    assert [(scale.side, scale.iterations) for scale in FAITHFUL.scales] == [(512, 1000)]
