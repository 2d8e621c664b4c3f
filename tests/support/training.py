"""Short training runs in this process, and the data for them."""

import json
from pathlib import Path

import numpy as np
import torch
from accelerate.state import AcceleratorState, GradientState
from safetensors.torch import load_file

import train_accelerate
from tests.support.networks import TINY_PROPOSER

SMALL = {
    "sketchcolor-proposal": TINY_PROPOSER,
    "sketchcolor": {"channels": [8, 16]},
    "sketchcolor-light": {"channels": [8, 16]},
    "palette-modulation": TINY_PROPOSER,
    "palette-planes": TINY_PROPOSER,
    "pix2pix": {"channels": [4, 8, 8]},
    "palette-attention": {"channels": [8, 8, 16]},
    "whiteout-hint": {"channels": [4, 8, 8, 8]},
    "auto-painter": {"channels": [4, 8, 8]},
    "style-guided": {"channels": [4, 8], "middle": 16, "exit_channels": 8, "style_features": 12},
    "sgru": {"channels": [4, 8, 8]},
    "sgru-hint": {"channels": [4, 8, 8, 8]},
}

SKIN = (0.9, 0.6, 0.4)  # RGB in [-1, 1]
SIDE, COLORS = 64, 3  # size of pictures and of palettes in the view cache

# Recipes of generators that need neither a proposer nor the style of a reference.
SINGLE_STAGE = (
    "pix2pix",
    "palette-attention",
    "whiteout-hint",
    "auto-painter",
    "sgru",
    "sgru-hint",
)
SMALL_DISCRIMINATORS = {"style-guided": {"channels": [4, 8], "style_features": 12}}


def flags(recipe: str, pictures: Path, output: Path, **more) -> list[str]:
    values = {
        "recipe": recipe,
        "data_files": pictures,
        "output_dir": output,
        "model_config": json.dumps(SMALL[recipe]),
        "discriminator_config": json.dumps(SMALL_DISCRIMINATORS.get(recipe, {})),
        "resolution": 64,
        "crop": 0,
        "train_batch_size": 2,
        "max_train_steps": 4,
        "perceptual_weight": 0,
        "dataloader_num_workers": 0,
        "report_to": "none",
    } | more
    parts = []
    for name, value in values.items():
        if value is True:
            parts.append(f"--{name}")
        elif value is not None:  # None leaves a flag out
            parts += [f"--{name}", str(value)]
    return parts


def train(*arguments, **more) -> Path:
    """Run the script's main in this process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    args = train_accelerate.parse_args(flags(*arguments, **more))
    train_accelerate.main(args)
    return args.output_dir


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "diffusion_pytorch_model.safetensors")


def views(folder, pictures: list[tuple[float, tuple]]) -> None:
    """A view cache of one view per picture: (share of paper on the left, main colour)."""
    count = len(pictures)
    colour = np.zeros((count, 1, SIDE, SIDE, 3), np.uint8)
    lines = np.full((count, 1, SIDE, SIDE), 255, np.uint8)
    palette = np.zeros((count, 1, COLORS, 3), np.float32)
    shares = np.zeros((count, 1, COLORS), np.float32)
    for index, (paper, main) in enumerate(pictures):
        edge = round(paper * SIDE)
        colour[index, 0, :, :edge] = 255
        lines[index, 0, :, edge : edge + 2] = 0
        palette[index, 0] = [main, SKIN, main]
        shares[index, 0] = [0.7, 0.2, 0.1]
    arrays = {"colour": colour, "lines": lines, "palette": palette, "shares": shares}
    arrays["ready"] = np.ones((count, 1), np.uint8)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
