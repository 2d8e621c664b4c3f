"""The training loop, with checkpoints, averaged weights (EMA) and validations."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.logging import get_logger
from accelerate.utils import gather_object
from diffusers import ModelMixin
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from torch.utils.data import DataLoader, IterableDataset
from tqdm.auto import tqdm

from .curves import Moment, record_validation
from .data import OffsetSampler
from .hardware import describe_hardware
from .optimisers import make_optimizer
from .pictures import describe_skipped
from .provenance import DISCRIMINATOR, save_beside
from .recipes import Recipe
from .steps import OptimizedModel, TrainingStep
from .view_cache import one_thread

__all__ = ["Progress", "Run", "Trainer", "latest_checkpoint", "prepare_model"]

log = get_logger(__name__)


@dataclass(frozen=True)
class Run:
    """Settings of a run that are not part of the recipe; the fields are flags of the script.

    Attributes:
        images_per_epoch: number of training pictures in a run that counts epochs, which then ends
            each with a validation; None in a run that counts steps. Not a flag.
    """

    output_dir: Path
    seed: int = 0
    max_train_steps: int = 1000
    images_per_epoch: int | None = None
    max_train_seconds: float | None = None
    checkpointing_steps: int = 500
    checkpoints_total_limit: int | None = 2
    validation_steps: int = 500
    dataloader_num_workers: int = 1


@dataclass
class Progress:
    """How far a run is; saved in its checkpoints.

    Attributes:
        step: updates made.
        seconds: duration of the run, before resuming included.
        images: pictures trained on.
        validation_seconds: how many of the seconds were spent on validations.
    """

    step: int = 0
    seconds: float = 0.0
    images: int = 0
    validation_seconds: float = 0.0

    @property
    def images_per_second(self) -> float:
        """Training speed, without the time of validations."""
        return self.images / max(self.seconds - self.validation_seconds, 1e-9)

    def state_dict(self) -> dict[str, float]:
        return asdict(self)

    def load_state_dict(self, state: dict[str, float]) -> None:
        self.__dict__.update(state)


def prepare_model(
    accelerator: Accelerator, recipe: Recipe, model: ModelMixin, learning_rate: float, steps: int
) -> OptimizedModel:
    """A network with its optimiser and schedule, moved to the accelerator's device.

    Args:
        recipe: names the optimiser and the schedule.
        model: the network.
        learning_rate: peak of the schedule. steps: its length, updates.
    """
    model = model.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(recipe, model, learning_rate)
    # AcceleratedScheduler makes one scheduler step per process at each update.
    scheduler = get_scheduler(
        recipe.lr_scheduler,
        optimizer=optimizer,
        num_warmup_steps=recipe.lr_warmup_steps * accelerator.num_processes,
        num_training_steps=steps * accelerator.num_processes,
    )
    return OptimizedModel(*accelerator.prepare(model, optimizer, scheduler))


def latest_checkpoint(output_dir: Path) -> Path | None:
    """The checkpoint with the highest step, or None."""
    return max(_checkpoints(output_dir), key=_step_of, default=None)


def _checkpoints(output_dir: Path) -> list[Path]:
    """Complete checkpoints; those that are being written end in ``.partial``."""
    return [p for p in output_dir.glob("checkpoint-*") if p.name.split("-")[1].isdigit()]


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


class Trainer:
    """Repeats a training step until the limit of steps or of seconds is reached.

    Args:
        accelerator: owns devices, precision and trackers.
        recipe: the settings, written beside the weights.
        run: the limits, intervals and the output folder.
        step: one of the classes in ``steps``; the first of its models is the published one.
        on_validate: called with the model and the moment every ``validation_steps``, or after every
            epoch; returns measures.
        started_from: records of the runs whose weights this one started from, by their key in
            ``recipe.json``; ``started_from`` is that of the published model.

    Attributes:
        data: what ``recipe.json`` says about the training data: ``line_art``, see
            :func:`sources.line_art_kind`, and ``skipped``, how many pictures for which reason.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        recipe: Recipe,
        run: Run,
        step: TrainingStep,
        on_validate: Callable[[Any, Moment], dict[str, float]] | None = None,
        started_from: dict[str, dict | None] | None = None,
    ) -> None:
        self.accelerator, self.recipe, self.run = accelerator, recipe, run
        self.step, self.on_validate, self.started_from = step, on_validate, started_from or {}
        self.published = accelerator.unwrap_model(step.models[0].model, keep_torch_compile=False)
        self.progress = Progress()
        self.validation: dict[str, float] = {}
        self.data: dict[str, Any] = {}
        accelerator.register_for_checkpointing(self.progress)
        self.ema = None
        if recipe.ema_decay > 0:
            self.ema = EMAModel(
                self._averaged(), decay=recipe.ema_decay, use_ema_warmup=True, power=0.8
            )
            self.ema.to(accelerator.device)
            accelerator.register_for_checkpointing(self.ema)

    def _averaged(self) -> list[torch.nn.Parameter]:
        """Weights to average: of all networks in training except a discriminator."""
        others = self.step.saved_beside.items()
        models = [self.published, *(one.model for name, one in others if name != DISCRIMINATOR)]
        return [weight for model in models for weight in model.parameters()]

    def resume(self, checkpoint: Path) -> None:
        """Continue from a checkpoint: weights, averages, optimisers, schedules and progress."""
        self.accelerator.load_state(str(checkpoint))
        log.info(f"Resumed from step {self.progress.step}.")

    def batches(self, samples: torch.utils.data.Dataset) -> DataLoader:
        """Batches from the first sample that this run has not been trained on."""
        batch = self.recipe.train_batch_size
        total = self.run.max_train_steps * self.images_per_step
        sampler = None
        if not isinstance(samples, IterableDataset):
            sampler = OffsetSampler(self.progress.images, total)
        # A stream has workers of its own.
        workers = self.run.dataloader_num_workers if sampler is not None else 0
        return DataLoader(
            samples,
            batch_size=batch,
            sampler=sampler,
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=one_thread,
            prefetch_factor=4 if workers else None,
            drop_last=True,
        )

    @property
    def images_per_step(self) -> int:
        """Pictures between two updates, over all processes."""
        accelerator = self.accelerator
        return (
            self.recipe.train_batch_size
            * accelerator.num_processes
            * accelerator.gradient_accumulation_steps
        )

    def train(self, samples: torch.utils.data.Dataset) -> None:
        """Train until a limit is reached, then save a last checkpoint.

        Raises:
            RuntimeError: a loss is not finite.
        """
        accelerator, run, progress = self.accelerator, self.run, self.progress
        loader = accelerator.prepare_data_loader(self.batches(samples))
        bar = tqdm(
            total=run.max_train_steps,
            initial=progress.step,
            desc=self.recipe.name,
            mininterval=5.0,
            disable=not accelerator.is_local_main_process,
        )
        for one in self.step.models:
            one.model.train()
        started = time.monotonic() - progress.seconds
        micro = 0
        for batch in loader:
            if progress.step >= run.max_train_steps or self._out_of_time():
                break
            losses = self.step(batch, self._step_generator(micro))
            micro += 1
            if not accelerator.sync_gradients:
                continue
            micro = 0
            progress.step += 1
            progress.images += self.images_per_step
            progress.seconds = time.monotonic() - started
            if self.ema is not None:
                self.ema.step(self._averaged())
            bar.update()
            if progress.step % 20 == 0:
                self._report(losses, bar)
            if self.on_validate and self._validation_is_due():
                self._validate()
            if progress.step % run.checkpointing_steps == 0:
                self.checkpoint()
        bar.close()
        self.checkpoint()

    def record_skipped(self, skipped: dict[int, str]) -> None:
        """Logs and records the pictures that could not be used.

        Args:
            skipped: those that this process found, with the reasons.
        """
        reasons = dict(gather_object(list(skipped.items()))).values()
        if reasons:
            self.data["skipped"] = dict(Counter(reasons))
            log.warning(f"Skipped pictures: {describe_skipped(reasons)}.")

    def save(self) -> None:
        """Write the averaged weights and ``recipe.json``.

        The record has the recipe with all overrides, steps, pictures, duration, hardware, what is
        known of the data and the last validation. Other networks of the training are saved beside
        the model, for runs that start from its weights.
        """
        self.accelerator.wait_for_everyone()
        if not self.accelerator.is_main_process:
            return
        folder = self.run.output_dir
        if self.ema is not None:
            self.ema.copy_to(self._averaged())
        self.published.save_pretrained(str(folder / "model"))
        for name, one in self.step.saved_beside.items():
            unwrapped = self.accelerator.unwrap_model(one.model, keep_torch_compile=False)
            save_beside(name, unwrapped, folder)
        resolved = {"recipe": asdict(self.recipe), "training": asdict(self.progress)}
        resolved["training"] |= {
            "seed": self.run.seed,
            "device": str(self.accelerator.device),
            "hardware": describe_hardware(self.accelerator.device),
            "parameters": self.published.num_parameters(),
            "images_per_second": self.progress.images_per_second,
        }
        if self.data:
            resolved["data"] = self.data
        if self.validation:
            resolved["validation"] = self.validation
        resolved |= {name: value for name, value in self.started_from.items() if value is not None}
        (folder / "recipe.json").write_text(json.dumps(resolved, indent=2) + "\n")

    def checkpoint(self) -> None:
        """Save a checkpoint, after deleting the oldest ones beyond the limit.

        It is renamed to its final name once it is complete, so that a run that was killed while
        saving resumes from the checkpoint before.
        """
        target = self.run.output_dir / f"checkpoint-{self.progress.step}"
        partial = target.with_suffix(".partial")
        if self.accelerator.is_main_process:
            for interrupted in target.parent.glob("checkpoint-*.partial"):
                shutil.rmtree(interrupted)
            self._drop_oldest(target)
        self.accelerator.wait_for_everyone()
        self.accelerator.save_state(str(partial))
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            shutil.rmtree(target, ignore_errors=True)  # the last step may be saved twice
            partial.rename(target)

    def _drop_oldest(self, target: Path) -> None:
        """Delete the oldest checkpoints so that one more fits the limit."""
        limit = self.run.checkpoints_total_limit
        if limit is None:
            return
        others = sorted((p for p in _checkpoints(target.parent) if p != target), key=_step_of)
        for old in others[: max(0, len(others) - limit + 1)]:
            shutil.rmtree(old)

    def _step_generator(self, micro: int) -> torch.Generator:
        """A generator seeded by the step, so that checkpoints need no generator state.

        Args:
            micro: index of the batch within an update, with gradient accumulation.
        """
        rank = self.accelerator.process_index
        seed = hash((self.run.seed, self.progress.step, micro, rank)) % 2**63
        torch.manual_seed(seed)  # dropout draws from the global generator
        return torch.Generator().manual_seed(seed)

    def _out_of_time(self) -> bool:
        """Whether any process has reached the limit of seconds; the same on all processes."""
        limit = self.run.max_train_seconds
        if limit is None:
            return False
        late = torch.tensor(float(self.progress.seconds >= limit), device=self.accelerator.device)
        return bool(self.accelerator.reduce(late, "sum").item())

    def _report(self, losses: dict[str, torch.Tensor], bar: tqdm) -> None:
        values = {name: self.accelerator.reduce(v, "mean").item() for name, v in losses.items()}
        if not all(math.isfinite(value) for value in values.values()):
            raise RuntimeError(f"A loss is not finite at step {self.progress.step}: {values}.")
        rate = self.progress.images_per_second
        bar.set_postfix({k: f"{v:.4f}" for k, v in values.items()} | {"img/s": f"{rate:.1f}"})
        self.accelerator.log(values | {"images_per_second": rate}, step=self.progress.step)

    def _epochs(self) -> int | None:
        """Epochs completed, in a run that counts them."""
        size = self.run.images_per_epoch
        return None if size is None else self.progress.images // size

    def _validation_is_due(self) -> bool:
        """Whether the last update completed an epoch or, without epochs, an interval of steps."""
        size = self.run.images_per_epoch
        if size is None:
            return self.progress.step % self.run.validation_steps == 0
        before = self.progress.images - self.images_per_step
        return self.progress.images // size > before // size

    def _validate(self) -> None:
        started = time.monotonic()
        if self.accelerator.is_main_process:
            if self.ema is not None:
                self.ema.store(self._averaged())
                self.ema.copy_to(self._averaged())
            self.published.eval()
            moment = Moment(self.progress.step, self.progress.images, self._epochs())
            assert self.on_validate is not None
            self.validation = self.on_validate(self.published, moment)
            self.accelerator.log(self.validation, step=moment.step)
            record_validation(self.run.output_dir, moment, self.validation)
            self.published.train()
            if self.ema is not None:
                self.ema.restore(self._averaged())
        self.accelerator.wait_for_everyone()
        taken = time.monotonic() - started
        # The next update measures the whole duration again; after the last there is none.
        self.progress.seconds += taken
        self.progress.validation_seconds += taken
