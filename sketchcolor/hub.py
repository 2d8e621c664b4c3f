"""Where a pipeline comes from: the bundled model, a local folder, or the Hub at one revision."""

import os
from pathlib import Path

import torch
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from .pipeline import SketchColorPipeline

BUNDLED = Path(__file__).parent / "weights" / "sketchcolor"
MODEL_VARIABLE = "SKETCHCOLOR_MODEL"


class ModelLoadError(RuntimeError):
    """A model that cannot be fetched or read; the message is one sentence saying what to do."""


def load_pipeline(
    model: str | Path | None = None,
    revision: str | None = None,
    device: str | torch.device | None = None,
) -> SketchColorPipeline:
    """Loads a pipeline, ready for use: in eval mode, in float32, on its device.

    The Hub is asked only when ``model`` or the variable names a Hub id.

    Args:
        model: a folder written by ``save_pretrained`` or a Hub id ``owner/name``; a folder wins
            where both exist. None takes the environment variable ``SKETCHCOLOR_MODEL``, or the
            bundled model where it is not set.
        revision: commit, tag or branch of a Hub model. None is its main branch.
        device: a torch device. None is cuda where there is one, else cpu.

    Returns:
        The pipeline. Its ``model_id`` is ``"bundled"``, the folder or the Hub id; its ``revision``
        is the commit for a Hub model, else None.

    Raises:
        ModelLoadError: no such model, revision or device; the Hub cannot be reached; files are
            missing or damaged.
    """
    device = _usable_device(device)
    model = model or os.environ.get(MODEL_VARIABLE) or BUNDLED
    if Path(model).is_dir():
        if revision is not None:
            raise ModelLoadError(
                f"Only a Hub model has revisions and {model} is a folder: leave the revision out."
            )
        folder, commit = Path(model), None
    else:
        folder = _fetch(model, revision)
        commit = folder.name  # the Hub's cache names a snapshot's folder after its commit
    pipeline = _read(folder, model).to(device)
    pipeline.model_id = "bundled" if model == BUNDLED else str(model)
    pipeline.revision = commit
    return pipeline


def _usable_device(device: str | torch.device | None) -> torch.device:
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=device).device
    except (AssertionError, RuntimeError) as error:  # the first from builds without CUDA
        raise ModelLoadError(
            f"There is no usable device {str(device)!r} here: name cpu, or leave the device out."
        ) from error


def _fetch(model: str | Path, revision: str | None) -> Path:
    """Downloads a Hub model, or finds it in the cache, and returns the folder of its snapshot."""
    if isinstance(model, Path) or model.count("/") != 1:
        raise ModelLoadError(
            f"There is no folder {str(model)!r}: check the path, or name a Hub model as owner/name."
        )
    try:
        return Path(SketchColorPipeline.download(model, revision=revision))
    except Exception as error:  # network, server, disk and naming faults share no base class
        raise ModelLoadError(_why_not_fetched(error, model, revision)) from error


def _why_not_fetched(error: Exception, model: str, revision: str | None) -> str:
    match error:
        case HFValidationError():
            return f"{model!r} is neither a folder nor a Hub model's name, owner/name."
        case GatedRepoError():
            return f"Hub model {model!r} is gated: accept its terms there and set HF_TOKEN."
        case RepositoryNotFoundError():
            return f"The Hub shows no model {model!r}: check the name, or set HF_TOKEN to see it."
        case RevisionNotFoundError():
            return f"Hub model {model!r} has no revision {revision!r}: name another or none."
        case LocalEntryNotFoundError():
            return (
                f"The Hub cannot be reached and {model!r} is not in the local cache: "
                "check the connection, or name a folder."
            )
        case _:
            return f"Hub model {model!r} could not be fetched: {_first_line(error)}"


def _read(folder: Path, model: str | Path) -> SketchColorPipeline:
    if not (folder / "model_index.json").is_file():
        raise ModelLoadError(
            f"Model {str(model)!r} has no model_index.json: "
            "name a folder or repository that save_pretrained wrote."
        )
    try:
        # Safetensors only: reading a pickled weight file can run code.
        return SketchColorPipeline.from_pretrained(str(folder), use_safetensors=True)
    except Exception as error:  # damaged files make the libraries raise nearly anything
        raise ModelLoadError(
            f"The files of model {str(model)!r} are missing or damaged, get them anew: "
            f"{_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
