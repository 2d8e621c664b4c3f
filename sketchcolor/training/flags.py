"""The flags of ``train_accelerate.py``, and the recipe that they resolve to.

They are named as in the training scripts of diffusers.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import get_args, get_type_hints

from .pictures import PAIRS
from .recipes import RECIPES, Recipe
from .resolution import at_resolution
from .sources import Source
from .trainer import Run
from .validation import DEFAULT_IMAGES

__all__ = ["RUN_FLAGS", "parse_args", "resolve_recipe"]

DESCRIPTION = "Train any recipe: accelerate launch train_accelerate.py --recipe NAME --data_files …"
# Recipe fields that may be overridden by a flag of the same name.
OVERRIDES = (
    "resolution",
    "crop",
    "augmentation",
    "lineart",
    "time_shift",
    "sketch_rate",
    "hint_rate",
    "palette_rate",
    "style_rate",
    "page_rate",
    "choice_rate",
    "num_train_epochs",
    "train_batch_size",
    "learning_rate",
    "discr_learning_rate",
    "optimizer",
    "lr_scheduler",
    "lr_warmup_steps",
    "max_grad_norm",
    "adversarial",
    "pixel_weight",
    "perceptual_weight",
    "adversarial_weight",
    "proposer_learning_rate",
    "ema_decay",
)


# Settings of a run that are flags.
RUN_FLAGS = [field.name for field in dataclasses.fields(Run) if field.name != "images_per_epoch"]


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parses flags, which are named as in the diffusers training scripts."""
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    parser.add_argument("--recipe", required=True, choices=sorted(RECIPES))
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--model_config", type=json.loads, help="JSON of model arguments")
    parser.add_argument("--discriminator_config", type=json.loads, help="JSON of its arguments")
    parser.add_argument("--init_from", help="folder or Hub id of weights to start from")
    parser.add_argument(
        "--proposer",
        help="trained proposer, for the proposals of a refiner or the features of a part encoder",
    )
    parser.add_argument("--vgg19", help="safetensors of VGG-19, for perceptual losses and styles")

    data = parser.add_argument_group("data")
    data.add_argument("--dataset_name", help="Hub id")
    data.add_argument("--dataset_config_name", help="configuration of the Hub data set")
    data.add_argument("--data_files", nargs="+", help="files or globs, here or in the Hub data set")
    data.add_argument("--data_format", default=Source.data_format)
    data.add_argument("--split", default=Source.split, help="default: %(default)s")
    data.add_argument(
        "--validation_files",
        nargs="+",
        help="only for sheets and curves; with --pair folders, the two folders of them",
    )
    data.add_argument(
        "--validation_images",
        type=int,
        default=DEFAULT_IMAGES,
        help="number of validation pictures (default: %(default)s)",
    )
    data.add_argument("--image_column", default=Source.image_column)
    data.add_argument("--pair", choices=PAIRS, help="the line art is drawn: beside the colours, …")
    data.add_argument("--colour_dir", help="… or, with --pair folders, in files of the same names")
    data.add_argument("--sketch_dir", help="as those in --colour_dir")
    data.add_argument(
        "--paired_files", nargs="+", help="more files, with drawn line art in a column 'lineart'"
    )
    data.add_argument("--rating", nargs="+", default=[], help="only these, for example general")
    data.add_argument("--include_tags", nargs="+", default=[], help="only with all of these")
    data.add_argument("--exclude_tags", nargs="+", default=[], help="only with none of these")
    data.add_argument("--min_score", type=float, help="only with at least this score")
    data.add_argument(
        "--tags_files", nargs="+", default=[], help="parquet files with labels, joined by id"
    )
    data.add_argument("--streaming", action="store_true")
    data.add_argument("--max_train_samples", type=int)
    data.add_argument(
        "--view_cache", type=Path, help="folder in which views of the pictures are cached"
    )
    data.add_argument("--views", type=int, default=3, help="views per picture in --view_cache")
    data.add_argument(
        "--tokens", type=Path, nargs="+", help="files of sketchcolor.training.part_tokens"
    )
    data.add_argument("--dataloader_num_workers", type=int, default=Run.dataloader_num_workers)

    run = parser.add_argument_group("run")
    run.add_argument("--seed", type=int, default=Run.seed)
    run.add_argument(
        "--max_train_steps",
        type=int,
        help="updates, instead of --num_train_epochs or the recipe's own number of epochs (default "
        f"where there is none: {Run.max_train_steps})",
    )
    run.add_argument("--max_train_seconds", type=float)
    run.add_argument("--gradient_accumulation_steps", type=int, default=1)
    run.add_argument("--mixed_precision", choices=["no", "bf16"])
    run.add_argument("--checkpointing_steps", type=int, default=Run.checkpointing_steps)
    run.add_argument("--checkpoints_total_limit", type=int, default=Run.checkpoints_total_limit)
    run.add_argument("--resume_from_checkpoint", help='a checkpoint folder, or "latest"')
    run.add_argument(
        "--validation_steps",
        type=int,
        default=Run.validation_steps,
        help="updates between validations; runs that count epochs have one after each",
    )
    run.add_argument("--report_to", choices=["tensorboard", "none"], default="tensorboard")

    run.add_argument("--push_to_hub", action="store_true", help="publish the trained model")
    run.add_argument("--hub_model_id", metavar="OWNER/NAME", help="where --push_to_hub publishes")

    overrides = parser.add_argument_group("overrides of the recipe")
    kinds = get_type_hints(Recipe)
    for field in dataclasses.fields(Recipe):
        if field.name in OVERRIDES:
            kind = kinds[field.name]
            if choices := get_args(kind):
                overrides.add_argument(f"--{field.name}", choices=choices)
            else:
                overrides.add_argument(f"--{field.name}", type=kind)
    args = parser.parse_args(arguments)
    if args.push_to_hub != bool(args.hub_model_id):
        parser.error("--push_to_hub and --hub_model_id OWNER/NAME go together")
    return args


def resolve_recipe(args: argparse.Namespace) -> Recipe:
    """The named recipe with the flags that were given."""
    recipe = RECIPES[args.recipe]
    if args.resolution is not None:
        recipe = at_resolution(recipe, args.resolution)
    given = {name: getattr(args, name) for name in OVERRIDES if getattr(args, name) is not None}
    for name in ("model_config", "discriminator_config"):
        if getattr(args, name):
            given[name] = getattr(recipe, name) | getattr(args, name)
    return dataclasses.replace(recipe, **given)
