"""Draws a few pictures, trains a small pix2pix on them for two steps, and colours with it.

``python examples/train_a_model.py``

Two steps teach nothing; the run only shows how a folder of pictures becomes a pipeline. Name your
own folder with ``--pictures`` and give it more ``--steps``.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from sketchcolor import load_pipeline
from sketchcolor.training.bundle import bundle
from sketchcolor.ui.examples import FOLDER

SCRIPT = Path(__file__).parents[1] / "train_accelerate.py"
SMALL = {"channels": [16, 32, 32]}  # of the network, so that it is trained in seconds


def draw_pictures(folder: Path, count: int = 8, side: int = 128) -> None:
    """A folder of simple coloured faces with outlines."""
    folder.mkdir(parents=True, exist_ok=True)
    colours = random.Random(0)
    for number in range(count):
        picture = Image.new("RGB", (side, side), "white")
        pen = ImageDraw.Draw(picture)
        hair, skin, shirt = (
            tuple(colours.randrange(low, 256) for _ in range(3)) for low in (0, 180, 60)
        )
        pen.ellipse((24, 8, 104, 100), hair, "black", 2)
        pen.rectangle((32, 96, 96, 127), shirt, "black", 2)
        pen.ellipse((36, 28, 92, 104), skin, "black", 2)
        for x in (52, 76):
            pen.ellipse((x - 6, 56, x + 6, 72), "white", "black", 2)
        picture.save(folder / f"{number}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=Path, help="a folder of PNGs; else some are drawn")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, default=Path("outputs"), help="a folder")
    args = parser.parse_args()
    pictures, run = args.pictures, args.output / "run"
    if pictures is None:
        pictures = args.output / "pictures"
        draw_pictures(pictures)

    # 1. Train: line art is extracted from the pictures as they are read.
    flags = {
        "recipe": "pix2pix",
        "data_format": "imagefolder",
        "data_files": pictures / "*.png",
        "output_dir": run,
        "model_config": json.dumps(SMALL),
        "resolution": 64,
        "train_batch_size": 2,
        "max_train_steps": args.steps,
        "dataloader_num_workers": 0,
        "report_to": "none",
    }
    command = [sys.executable, str(SCRIPT)]
    command += [part for name, value in flags.items() for part in (f"--{name}", str(value))]
    subprocess.run(command, check=True)

    # 2. Make a pipeline of the run, and colour a sketch with it.
    bundle(run, args.output / "pipeline")
    pipeline = load_pipeline(args.output / "pipeline")
    path = args.output / "cat-trained.png"
    pipeline(FOLDER / "cat.png", seed=0, resolution=128).images[0].save(path)
    print(path)


if __name__ == "__main__":
    main()
