"""All training recipes as data: models, losses, schedules and their sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..conditions.palette import DEFAULT_SIZE
from ..lineart.extract import RANDOM_LINEART

__all__ = ["RECIPES", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """Settings of one training run; flags of ``train_accelerate.py`` override most of them.

    Attributes:
        name: the value of ``--recipe``.
        source: the publication, and how the recipe departs from it.
        model: a key of :data:`sketchcolor.models.MODELS`.
        model_config: arguments of the model.
        objective: ``flow`` trains a proposer, ``colour`` a generator, ``parts`` a part encoder,
            ``part-colours`` the network that colours parts.
        resolution: side of the training pictures, px of the line art.
        crop: side of the random training window in them; 0 trains on the whole picture.
        augmentation: see ``framing.frame``.
        num_train_epochs: length of the published training; 0 where none is printed.
        lineart: ``random`` for a mix of all extractors, or the name of one.
        flats: a refiner is trained on simulated flats instead of proposals.
        hint_kind: ``mixed``, or one kind of ``hints.simulate``.
        page_rate: share of samples that are mosaics of several small pictures.
        choice_rate: share of palettes with only some of the picture's colours.
        time_shift: s of a flow's training times t = s·u / (1 + (s − 1)·u), u uniform in [0, 1];
            above 1 there are more noisy times, at which the colours of whole regions are decided.
        sketch_rate, hint_rate, palette_rate, style_rate: share of samples with the condition;
            sketch dropout makes classifier-free guidance (Ho & Salimans 2022) possible.
        optimizer: ``adamw``, or ``muon`` for the inner layers, see ``optimisers.Muon``.
        max_grad_norm: gradients are scaled down to this norm; 0 leaves them as they are.
        adversarial: ``hinge``, ``lsgan``, ``bce`` or ``none``.
        discr_loss_weight: of the discriminator's losses of real and of generated pictures; ½ for
            their mean (Isola et al. 2017, section 3.3), 1 for the sum that most papers print.
        pixel_weight, perceptual_weight, variation_weight, adversarial_weight: weights of the
            generator's losses.
        proposer_learning_rate: of the proposer whose features a part encoder reads.
        guide_weights: α and β of the two guides of a style-guided generator, each times
            ``pixel_weight``; empty for generators without guides.
        pixel_distance: ``l1`` or ``l2``.
        perceptual_distance: ``relative``, ``norm`` or ``l2``, see ``losses.PerceptualLoss``.
        perceptual_layers: VGG-19 layers of the perceptual loss.
        perceptual_layer_weights: λ of each layer; empty for equal weights.
        perceptual_crop: side of the random window for the perceptual loss, which takes most of a
            step's time; 0 uses the whole picture.
        discriminator: a key of :data:`sketchcolor.models.DISCRIMINATORS`.
        discriminator_config: its arguments.
        ema_decay: of the published, averaged weights; 0 publishes the weights themselves.
    """

    name: str
    source: str
    model: str
    objective: Literal["flow", "colour", "parts", "part-colours"]
    model_config: dict[str, Any] = field(default_factory=dict)
    resolution: int = 256
    crop: int = 0
    augmentation: Literal["figures", "flip", "distort", "none"] = "figures"
    num_train_epochs: int = 0
    lineart: str = RANDOM_LINEART
    flats: bool = False
    hint_kind: str = "mixed"
    page_rate: float = 0.0
    choice_rate: float = 0.0
    time_shift: float = 1.0
    sketch_rate: float = 1.0
    hint_rate: float = 0.75
    palette_rate: float = 0.4
    style_rate: float = 0.0
    train_batch_size: int = 16
    learning_rate: float = 2e-4
    discr_learning_rate: float = 2e-4
    optimizer: Literal["adamw", "muon"] = "adamw"
    adam_beta1: float = 0.9
    adam_beta2: float = 0.99
    weight_decay: float = 0.0
    lr_scheduler: str = "constant_with_warmup"
    lr_warmup_steps: int = 100
    max_grad_norm: float = 1.0
    adversarial: Literal["hinge", "lsgan", "bce", "none"] = "hinge"
    discr_loss_weight: float = 0.5
    pixel_weight: float = 1.0
    perceptual_weight: float = 0.0
    variation_weight: float = 0.0
    adversarial_weight: float = 0.0
    proposer_learning_rate: float = 3e-4
    guide_weights: tuple[float, ...] = ()
    pixel_distance: Literal["l1", "l2"] = "l1"
    perceptual_distance: Literal["relative", "norm", "l2"] = "relative"
    perceptual_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_1")
    perceptual_layer_weights: tuple[float, ...] = ()
    perceptual_crop: int = 0
    discriminator: str = "patch"
    discriminator_config: dict[str, Any] = field(default_factory=dict)
    ema_decay: float = 0.999


_FLOW: dict[str, Any] = {
    "model": "proposer",
    "objective": "flow",
    "time_shift": 3.0,
    "adam_beta2": 0.98,
    "adversarial": "none",
}

# Two small runs compare two ways of conditioning a network on a palette.
_SMALL_PROPOSAL: dict[str, Any] = _FLOW | {
    "model_config": {
        "patch": 4,
        "block_out_channels": (48, 80, 112),
        "attention_from": 0,
        "attention_head_dim": 16,
    },
    "hint_rate": 0.2,
    "palette_rate": 0.9,
    "learning_rate": 6e-4,
}

# No paper clips gradients or averages weights, and each prints its discriminator's loss as a sum.
_PRINTED: dict[str, Any] = {
    "max_grad_norm": 0.0,
    "discr_loss_weight": 1.0,
    "ema_decay": 0.0,
}

# The systems of Liu, Chen & Hu and of Ye et al. differ in hints only. The weights of pixels and
# layers are λ_l of the public reimplementation; the learning rates and the weight of the
# adversarial loss are ours, as the papers do not give them. L_d is of D(G): the discriminator does
# not see the sketch.
_SWISH_GATED: dict[str, Any] = _PRINTED | {
    "model": "sgru",
    "objective": "colour",
    "palette_rate": 0.0,
    "learning_rate": 1e-4,
    "adam_beta1": 0.5,
    "adam_beta2": 0.999,
    "adversarial": "bce",
    "pixel_weight": 0.88,
    "perceptual_weight": 1.0,
    "adversarial_weight": 0.02,
    "perceptual_layers": ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2"),
    "perceptual_layer_weights": (0.79, 0.63, 0.51, 0.39, 1.07),
    "discriminator_config": {
        "channels": (64, 128, 256, 512),
        "spectral_norm": True,
        "sees_sketch": False,
    },
}

# Training settings of Isola et al. 2017 (section 3.3), and of papers that give no others.
_PIX2PIX_RATES: dict[str, Any] = _PRINTED | {
    "adam_beta1": 0.5,
    "adam_beta2": 0.999,
    "lr_scheduler": "constant",
    "lr_warmup_steps": 0,
    "adversarial_weight": 1.0,
}

_PIX2PIX: dict[str, Any] = _PIX2PIX_RATES | {
    "model": "pix2pix",
    "objective": "colour",
    "hint_rate": 0.0,
    "palette_rate": 0.0,
    "train_batch_size": 16,
    "learning_rate": 2e-4,
    "adversarial": "bce",
    "pixel_weight": 100.0,
    "discriminator_config": {"channels": (64, 128, 256, 512), "batch_norm": True},
}

_RECIPES = (
    Recipe(
        name="sketchcolor-proposal",
        source="Flow matching (Lipman et al. 2023) with shifted times (Esser et al. 2024)",
        learning_rate=4e-4,
        train_batch_size=16,
        page_rate=0.25,
        choice_rate=0.5,
        sketch_rate=0.9,
        model_config={
            "patch": 4,
            "block_out_channels": (96, 160, 224),
            "attention_from": 0,
            "line_channels": (48, 96, 160),
        },
        **_FLOW,
    ),
    Recipe(
        name="sketchcolor-parts",
        source="Mixtures over hints by feature similarity, learned from colour pictures; reads the "
        "proposer's features as Tang et al. 2023 do those of image diffusion models",
        model="parts",
        objective="parts",
        page_rate=0.25,
        time_shift=3.0,  # of the proposer, which goes on being a flow
        hint_rate=0.7,
        palette_rate=0.0,
        train_batch_size=12,
        learning_rate=1e-3,
        weight_decay=0.05,
        adam_beta2=0.98,
        lr_scheduler="cosine",
        lr_warmup_steps=50,
        adversarial="none",
        ema_decay=0.99,
    ),
    Recipe(
        name="sketchcolor-part-colours",
        source="Flow matching (Lipman et al. 2023) over the colours of a set of parts",
        model="part-colours",
        objective="part-colours",
        palette_rate=0.4,
        train_batch_size=128,
        learning_rate=1e-3,
        weight_decay=0.05,
        adam_beta2=0.98,
        lr_scheduler="cosine",
        adversarial="none",
    ),
    Recipe(
        name="palette-modulation",
        source="sketchcolor-proposal at a quarter of the compute; palettes modulate every block",
        **_SMALL_PROPOSAL,
    ),
    Recipe(
        name="palette-planes",
        source="palette-modulation with 27 constant palette planes instead, as in tlwh1179",
        **_SMALL_PROPOSAL
        | {"model_config": _SMALL_PROPOSAL["model_config"] | {"palette_as": "planes"}},
    ),
    Recipe(
        name="sketchcolor",
        source="Swish-gated residual U-Net (Liu, Chen & Hu 2019) as the refinement stage of two "
        "(Zhang et al. 2018)",
        model="refiner",
        objective="colour",
        crop=128,
        choice_rate=0.5,
        learning_rate=3e-4,
        perceptual_weight=1.0,
        perceptual_layers=("relu1_2", "relu2_2", "relu3_1", "relu4_1"),
        perceptual_crop=64,
        adversarial_weight=0.1,
        discriminator_config={"channels": (32, 64, 128), "spectral_norm": True},
    ),
    Recipe(
        name="sketchcolor-light",
        source="The sketchcolor refiner on flats: adds light and shadow to one colour per part",
        model="refiner",
        objective="colour",
        crop=128,
        flats=True,
        hint_rate=0.0,
        palette_rate=0.0,
        learning_rate=3e-4,
        perceptual_weight=1.0,
        perceptual_layers=("relu1_2", "relu2_2", "relu3_1", "relu4_1"),
        perceptual_crop=64,
        adversarial_weight=0.1,
        discriminator_config={"channels": (32, 64, 128), "spectral_norm": True},
    ),
    Recipe(
        name="sgru",
        source="Liu, Chen & Hu 2019, without hints",
        hint_rate=0.0,
        **_SWISH_GATED,
    ),
    Recipe(
        name="sgru-hint",
        source="Ye et al.: the network of sgru with a quarter-size picture of hints",
        model_config={"hints": True},
        hint_kind="grid",
        hint_rate=1.0,
        **_SWISH_GATED,
    ),
    Recipe(
        name="pix2pix",
        source="Isola et al. 2017, as Liao, Ahmed & Shrestha use it, with mirrored pictures, which "
        "they tried and took out again; a discriminator_config of sees_sketch false is their "
        "equation 3",
        augmentation="flip",
        num_train_epochs=150,
        **_PIX2PIX,
    ),
    Recipe(
        name="pix2pix-distort",
        source="pix2pix as W. Zhang uses it, with rotated, sheared, zoomed and shifted pictures "
        "and noise; batch and rates of Liao, Ahmed & Shrestha, as the paper gives none",
        augmentation="distort",
        num_train_epochs=65,
        **_PIX2PIX,
    ),
    Recipe(
        name="auto-painter",
        source="Liu, Qin, Wan & Luo 2018; loss weights, rates and epochs of the authors' code, "
        "except for the weight of the total variation, which is a sum there: tlwh1179's; VGG-19 in "
        "the place of VGG-16",
        model="auto-painter",
        objective="colour",
        augmentation="flip",
        num_train_epochs=20,
        lineart="xdog",
        hint_kind="strokes",
        palette_rate=0.0,
        train_batch_size=1,
        learning_rate=2e-5,
        discr_learning_rate=2e-5,
        adversarial="bce",
        pixel_weight=50.0,
        perceptual_weight=1e-4,
        perceptual_distance="norm",
        variation_weight=1e-2,
        perceptual_layers=("relu3_2",),
        discriminator_config={"channels": (64, 128, 256, 512), "batch_norm": True},
        **_PIX2PIX_RATES,
    ),
    Recipe(
        name="style-guided",
        source="Zhang, Ji & Lin 2017; a fifth of the samples have no style, for automatic "
        "colouring; training settings of pix2pix, as the SGRU report gives none",
        model="style-guided",
        objective="colour",
        hint_rate=0.0,
        palette_rate=0.0,
        style_rate=0.8,
        adversarial="bce",
        pixel_weight=100.0,
        guide_weights=(0.3, 0.9),
        discriminator="auxiliary",
        **_PIX2PIX_RATES,
    ),
    Recipe(
        name="palette-attention",
        source="Anime Sketch Colorizer with reference image (tlwh1179); rates of the author's "
        "code; relu1_2 of VGG-19, where that code takes the first four modules of VGG-16; palettes "
        "and crops as everywhere here, where the code clusters in RGB and crops at random",
        model="palette-attention",
        objective="colour",
        hint_rate=0.0,
        palette_rate=1.0,
        train_batch_size=2,
        adversarial="lsgan",
        pixel_weight=100.0,
        perceptual_weight=1e-4,
        variation_weight=1e-2,
        perceptual_distance="l2",
        perceptual_layers=("relu1_2",),
        discriminator_config={
            "channels": (64, 128, 256, 512),
            "spectral_norm": True,
            "palette_colours": DEFAULT_SIZE,
        },
        **_PIX2PIX_RATES,
    ),
    Recipe(
        name="whiteout-hint",
        source="Grover & Banker; optimiser and rates of DCGAN and a batch of 16, as the paper "
        "gives none",
        model="whiteout-hint",
        objective="colour",
        resolution=64,
        augmentation="none",
        num_train_epochs=25,
        lineart="adaptive-mean",
        hint_kind="white-out",
        hint_rate=1.0,
        palette_rate=0.0,
        adversarial="bce",
        pixel_weight=100.0,
        pixel_distance="l2",
        discriminator="white-out",
        discriminator_config={"channels": (64, 128, 256, 512), "sample_size": 64},
        **_PIX2PIX_RATES,
    ),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _RECIPES}
