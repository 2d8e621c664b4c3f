"""Loads a pipeline: the bundled model, a local folder, or a revision on the Hub."""

import os
from contextlib import suppress
from pathlib import Path

import torch

from .hub.access import MODEL_VARIABLE, ModelLoadError, describe_failure, first_line
from .pipeline import SketchColorPipeline

BUNDLED_NAME = "bundled"
BUNDLED = Path(__file__).parent / "weights" / "sketchcolor"
PICKLES = (".bin", ".ckpt", ".pkl", ".pt", ".pth")


def load_pipeline(
    model: str | Path | None = None,
    revision: str | None = None,
    device: str | torch.device | None = None,
) -> SketchColorPipeline:
    """Loads a pipeline in eval mode and float32, on a device.

    Requests to the Hub are made only for a Hub id.

    Args:
        model: a folder written by ``save_pretrained``, or a Hub id ``owner/name`` or
            ``owner/name@revision``; if both exist, the folder is used. ``bundled`` is the model
            that is part of the package. None uses the first model in the environment variable
            ``SKETCHCOLOR_MODEL``, or the bundled one if it is not set.
        revision: commit, tag or branch of a Hub model whose id names none. None is its main branch.
        device: a torch device. None is cuda if available, else cpu.

    Returns:
        The pipeline. Its ``model_id`` is ``"bundled"``, the folder or the Hub id; its ``revision``
        is the commit of a Hub model, else None.

    Raises:
        ModelLoadError: no such model, revision or device; the Hub cannot be reached; files are
            missing or damaged.
    """
    device = _usable_device(device)
    model = model or _named_models()[0]
    if model == BUNDLED_NAME:
        model = BUNDLED
    if Path(model).is_dir():
        if revision is not None:
            raise ModelLoadError(
                f"Only a Hub model has revisions and {model} is a folder: leave the revision out."
            )
        folder, commit = Path(model), None
    else:
        model, revision = _split(model, revision)
        folder = _fetch(model, revision)
        commit = folder.name  # in the Hub's cache, a snapshot's folder is named by its commit
    pipeline = _read(folder, model).to(device)
    pipeline.model_id = BUNDLED_NAME if model == BUNDLED else str(model)
    pipeline.revision = commit
    return pipeline


def load_models(
    device: str | torch.device | None = None,
) -> tuple[list[SketchColorPipeline], list[ModelLoadError]]:
    """Loads all models that ``SKETCHCOLOR_MODEL`` names, separated by commas.

    Args:
        device: as in `load_pipeline`.

    Returns:
        The pipelines that could be loaded, in this order; the bundled one if none could, and an
        empty list if that cannot be loaded either. Then the errors of the other models.
    """
    pipelines, faults = [], []
    for name in _named_models():
        try:
            pipelines.append(load_pipeline(name, device=device))
        except ModelLoadError as error:
            faults.append(error)
    if not pipelines:
        with suppress(ModelLoadError):
            pipelines.append(load_pipeline(BUNDLED, device=device))
    return pipelines, faults


def _named_models() -> list[str]:
    names = [name.strip() for name in os.environ.get(MODEL_VARIABLE, "").split(",")]
    return list(filter(None, names)) or [BUNDLED_NAME]


def _usable_device(device: str | torch.device | None) -> torch.device:
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=device).device
    except (AssertionError, RuntimeError) as error:  # the first from builds without CUDA
        raise ModelLoadError(
            f"There is no usable device {str(device)!r} here: name cpu, or leave the device out."
        ) from error


def _split(model: str | Path, revision: str | None) -> tuple[str, str | None]:
    """Splits ``owner/name@revision``.

    Raises:
        ModelLoadError: the id is malformed, or two revisions are named.
    """
    name, at, named = str(model).partition("@")
    if isinstance(model, Path) or name.count("/") != 1:
        raise ModelLoadError(
            f"There is no folder {str(model)!r}: check the path, or name a Hub model as owner/name."
        )
    if at and not named:
        raise ModelLoadError(f"{model!r} ends without a revision: name one, or leave the @ out.")
    if at and revision is not None:
        raise ModelLoadError(f"{model!r} names a revision already: leave {revision!r} out.")
    return name, named or revision


def _fetch(model: str, revision: str | None) -> Path:
    """Downloads a Hub model, or finds it in the cache, and returns its snapshot's folder."""
    try:
        return Path(SketchColorPipeline.download(model, revision=revision))
    except Exception as error:  # network, server, disk and naming errors share no base class
        raise ModelLoadError(describe_failure(error, model, revision)) from error


def _read(folder: Path, model: str | Path) -> SketchColorPipeline:
    if not (folder / "model_index.json").is_file():
        raise ModelLoadError(
            f"Model {str(model)!r} has no model_index.json: "
            "name a folder or repository that save_pretrained wrote."
        )
    if pickles := _pickles_instead_of_safetensors(folder):
        raise ModelLoadError(
            f"Model {str(model)!r} holds weights that could run code when read "
            f"({', '.join(pickles)}): convert them to .safetensors."
        )
    try:
        # Only safetensors, because reading a pickled weight file can run code.
        return SketchColorPipeline.from_pretrained(str(folder), use_safetensors=True)
    except Exception as error:  # damaged files make the libraries raise nearly anything
        raise ModelLoadError(
            f"The files of model {str(model)!r} are missing or damaged, get them anew: "
            f"{first_line(error)}"
        ) from error


def _pickles_instead_of_safetensors(folder: Path) -> list[str]:
    """Pickled weights of components that have no safetensors file."""
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.glob("*/*"))
        if path.suffix in PICKLES and not any(path.parent.glob("*.safetensors"))
    ]
