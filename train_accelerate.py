"""Train any recipe: ``accelerate launch train_accelerate.py --recipe NAME --data_files …``."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import math
import os
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration, set_seed
from diffusers import ModelMixin

from sketchcolor.conditions.palette import DEFAULT_SIZE
from sketchcolor.hub import publishing
from sketchcolor.models import MODELS, ColorProposer, PartEncoder, VGG19Features
from sketchcolor.models.parts import CELL
from sketchcolor.models.vgg19 import WEIGHTS_VARIABLE
from sketchcolor.training.bundle import bundle
from sketchcolor.training.colour_step import ColourStep
from sketchcolor.training.data import SampleMaker, Samples
from sketchcolor.training.flags import RUN_FLAGS, parse_args, resolve_recipe
from sketchcolor.training.part_tokens import TokenSamples
from sketchcolor.training.part_validation import PartValidation
from sketchcolor.training.pictures import FOLDERS, DataError
from sketchcolor.training.processes import leave_together
from sketchcolor.training.provenance import make_discriminator, read_record
from sketchcolor.training.recipes import Recipe
from sketchcolor.training.sources import Source, line_art_kind, load_images
from sketchcolor.training.steps import FlowStep, PartStep, TokenStep
from sketchcolor.training.streams import StreamedSamples
from sketchcolor.training.trainer import Run, Trainer, latest_checkpoint, prepare_model
from sketchcolor.training.validation import Validation
from sketchcolor.training.view_cache import ViewCache


def build_model(recipe: Recipe, init_from: str | None, proposer: ColorProposer | None = None):
    """The recipe's network.

    Args:
        recipe: names its class and configuration.
        init_from: folder or Hub id of trained weights, whose own configuration is used; None makes
            a new network.
        proposer: whose features a part encoder reads.

    Raises:
        ValueError: it cannot work on pictures or crops of the recipe's size.
    """
    network = MODELS[recipe.model]
    if init_from:
        model = network.from_pretrained(init_from)
    elif recipe.objective == "parts":
        model = PartEncoder.for_proposer(proposer, **recipe.model_config)
    else:
        model = network(**recipe.model_config)
    if recipe.objective == "part-colours":  # tokens have no size
        return model
    side = recipe.crop or recipe.resolution
    limited: Any = proposer if recipe.objective == "parts" else model
    tile = limited.multiple * (1 if recipe.objective == "colour" else limited.config.sketch_scale)
    if side % tile:
        raise ValueError(
            f"The network works on sides that are multiples of {tile} px, not on {side}: choose "
            f"another {'--crop' if recipe.crop else '--resolution'}."
        )
    return model


def build_vgg(args: argparse.Namespace, recipe: Recipe, accelerator: Accelerator):
    """VGG-19 if the recipe needs it, or if its weights are given and there is a validation."""
    needed = recipe.perceptual_weight > 0 or recipe.style_rate > 0
    named = args.vgg19 or os.environ.get(WEIGHTS_VARIABLE)
    if not needed and not (named and args.validation_files):
        return None
    return VGG19Features.from_file(args.vgg19).to(accelerator.device)


def build_step(
    args: argparse.Namespace,
    recipe: Recipe,
    accelerator: Accelerator,
    vgg: VGG19Features | None,
    steps: int,
):
    """The recipe's training step with its networks and optimisers.

    Args:
        args, recipe, accelerator: the settings and the devices.
        vgg: if the recipe needs it.
        steps: length of the schedules of learning rates, updates.
    """
    proposer = None
    if args.proposer or recipe.objective == "parts":
        proposer = read_proposer(args, accelerator)
    model = build_model(recipe, args.init_from, proposer)
    model = prepare_model(accelerator, recipe, model, recipe.learning_rate, steps)
    if recipe.objective == "flow":
        return FlowStep(recipe, accelerator, model)
    if recipe.objective == "part-colours":
        return TokenStep(recipe, accelerator, model)
    if recipe.objective == "parts":
        rate = recipe.proposer_learning_rate
        trained = prepare_model(accelerator, recipe, proposer, rate, steps)
        return PartStep(recipe, accelerator, model, trained)
    discriminator = None
    if recipe.adversarial != "none":
        discriminator = make_discriminator(recipe, args.init_from)
        rate = recipe.discr_learning_rate
        discriminator = prepare_model(accelerator, recipe, discriminator, rate, steps)
    return ColourStep(recipe, accelerator, model, discriminator, vgg, proposer)


def validation_source(args: argparse.Namespace) -> Source:
    """Where the pictures of ``--validation_files`` come from.

    Raises:
        DataError: pairs are in folders, and these are not two.
    """
    alike = Source(split="validation", image_column=args.image_column, pair=args.pair)
    files = args.validation_files
    if args.pair != FOLDERS:
        return dataclasses.replace(alike, data_files=files, data_format=args.data_format)
    if len(files) != 2:
        raise DataError("With --pair folders, --validation_files are two: colours, then sketches.")
    return dataclasses.replace(alike, colour_dir=files[0], sketch_dir=files[1])


def build_validation(
    args: argparse.Namespace,
    recipe: Recipe,
    step: FlowStep | ColourStep | PartStep | TokenStep,
    source: Source,
    vgg: VGG19Features | None,
) -> Validation | PartValidation:
    """The validation that fits the recipe's objective.

    Raises:
        ValueError: there is none.
    """
    if recipe.objective == "part-colours":
        raise ValueError("This recipe is trained on tokens only: leave --validation_files out.")
    if isinstance(step, PartStep):
        proposer = step.accelerator.unwrap_model(step.proposer.model)
        return PartValidation(recipe, source, proposer, args.validation_images)
    return Validation(recipe, source, args.output_dir / "sheets", vgg, args.validation_images)


def read_proposer(args: argparse.Namespace, accelerator: Accelerator) -> ColorProposer:
    """Loads the trained proposer that a refiner or part encoder needs.

    Raises:
        ValueError: ``--proposer`` is missing.
    """
    if not args.proposer:
        raise ValueError("This recipe reads a proposer's features: name one by --proposer.")
    return ColorProposer.from_pretrained(args.proposer).eval().to(accelerator.device)


def build_run(
    args: argparse.Namespace, recipe: Recipe, accelerator: Accelerator, images: int | None
) -> Run:
    """Limits and intervals of the run.

    It counts epochs where ``--num_train_epochs`` or the recipe gives their number and
    ``--max_train_steps`` does not give a number of updates. The last batch is filled up with
    pictures of one more epoch.

    Args:
        args, recipe, accelerator: the settings and the devices.
        images: number of training pictures, None for streams and tokens.

    Raises:
        ValueError: epochs of unknown length are asked for.
    """
    values = {name: getattr(args, name) for name in RUN_FLAGS}
    if args.max_train_steps is not None or not recipe.num_train_epochs:
        steps = Run.max_train_steps if args.max_train_steps is None else args.max_train_steps
        return Run(**values | {"max_train_steps": steps})
    if images is None:
        raise ValueError(
            "The number of training pictures is not known beforehand, so epochs cannot be counted: "
            "give --max_train_steps."
        )
    together = accelerator.num_processes * accelerator.gradient_accumulation_steps
    steps = math.ceil(recipe.num_train_epochs * images / (recipe.train_batch_size * together))
    return Run(**values | {"max_train_steps": steps, "images_per_epoch": images})


def open_images(args: argparse.Namespace, recipe: Recipe):
    """The training pictures; None for a recipe that is trained on tokens."""
    if recipe.objective == "part-colours":
        return None
    return load_images(read_source(args))


def read_source(args: argparse.Namespace) -> Source:
    """Where the training pictures come from."""
    flags = {f.name for f in dataclasses.fields(Source)} - {"max_samples"}
    values = {name: getattr(args, name) for name in flags}
    return Source(**values, max_samples=args.max_train_samples)


def build_samples(args: argparse.Namespace, recipe: Recipe, trainer: Trainer, images: Any):
    """Training samples, map-style or streamed, for the trainer's published model.

    Raises:
        ValueError: a flag that the recipe needs is missing.
    """
    run, model = trainer.run, trainer.published
    if recipe.objective == "part-colours":
        if args.tokens is None:
            raise ValueError("This recipe is trained on tokens: name their file by --tokens.")
        return TokenSamples(args.tokens, recipe.palette_rate, run.seed)
    maker = SampleMaker(
        resolution=recipe.resolution,
        augmentation=recipe.augmentation,
        lineart=recipe.lineart,
        # Hints for a part encoder are drawn in the training step, together with its targets.
        hint_rate=0.0 if recipe.objective == "parts" else recipe.hint_rate,
        palette_rate=recipe.palette_rate,
        image_column=args.image_column,
        pair=args.pair,
        crop=recipe.crop,
        # A proposer's colour picture is smaller than its line art by its own factor.
        shrink=model.config.sketch_scale if recipe.objective == "flow" else 1,
        hint_kind=recipe.hint_kind,
        page_rate=recipe.page_rate,
        choice_rate=recipe.choice_rate,
        flats=recipe.flats,
        flat_shrink=CELL if recipe.objective == "parts" else 0,
    )
    trainer.data["line_art"] = line_art_kind(read_source(args), images)
    if args.streaming:
        start, stop = trainer.progress.images, run.max_train_steps * trainer.images_per_step
        return StreamedSamples(images, maker, run.seed, start, stop, run.dataloader_num_workers)
    views = None
    if args.view_cache:
        side = recipe.resolution
        views = ViewCache(args.view_cache, len(images), args.views, side, DEFAULT_SIZE)
    in_epochs = run.images_per_epoch is not None
    samples = Samples(images, maker, run.seed, views, in_epochs)
    if views is not None:
        with trainer.accelerator.main_process_first():
            views.fill(samples.view, os.cpu_count() or 1)
    return samples


def publish(args: argparse.Namespace, recipe: Recipe, model: ModelMixin) -> str:
    """Puts the run on the Hub; a single-stage generator as a whole pipeline.

    Returns:
        ``owner/name@commit``.

    Raises:
        PublishError: the Hub refuses; the run is complete in its folder nevertheless.
    """
    folder = args.output_dir / "model"
    if recipe.objective == "colour" and not model.config.get("proposal"):
        folder = args.output_dir / "pipeline"
        bundle(args.output_dir, folder)
    run = publishing.trained_run(args.hub_model_id, args.output_dir, folder, args.dataset_name)
    return f"{run.repo}@{publishing.push(run).revision}"


def main(args: argparse.Namespace) -> None:
    """Trains a recipe from parsed flags; the training code is in ``sketchcolor.training``."""
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    recipe = resolve_recipe(args)
    accelerator = Accelerator(
        gradient_accumulation_steps=args.gradient_accumulation_steps,
        mixed_precision=args.mixed_precision,
        log_with=None if args.report_to == "none" else args.report_to,
        project_config=ProjectConfiguration(str(args.output_dir), str(args.output_dir / "logs")),
    )
    if args.push_to_hub and accelerator.is_main_process:
        publishing.prepare(args.hub_model_id)  # so that a refusal comes before the training
    set_seed(args.seed)
    args.output_dir.mkdir(parents=True, exist_ok=True)
    accelerator.init_trackers(recipe.name)
    images = open_images(args, recipe)
    count = None if images is None or args.streaming else len(images)
    run = build_run(args, recipe, accelerator, count)
    vgg = build_vgg(args, recipe, accelerator)
    step = build_step(args, recipe, accelerator, vgg, run.max_train_steps)
    validation = None
    if args.validation_files:
        validation = build_validation(args, recipe, step, validation_source(args), vgg)
    started_from = {"started_from": read_record(args.init_from)}
    if recipe.objective == "parts":
        started_from["proposer_started_from"] = read_record(args.proposer)
    trainer = Trainer(accelerator, recipe, run, step, validation, started_from)
    checkpoint = args.resume_from_checkpoint
    if checkpoint == "latest":
        checkpoint = latest_checkpoint(args.output_dir)
    if checkpoint:
        trainer.resume(Path(checkpoint))
    samples = build_samples(args, recipe, trainer, images)
    trainer.train(samples)
    if not isinstance(samples, TokenSamples):
        trainer.record_skipped(samples.skipped())
    trainer.save()
    if args.push_to_hub and accelerator.is_main_process:
        logging.info("Published as %s.", publish(args, recipe, trainer.published))
    leave_together(accelerator)


if __name__ == "__main__":
    try:
        main(parse_args())
    except (publishing.PublishError, DataError) as error:
        raise SystemExit(str(error)) from error
