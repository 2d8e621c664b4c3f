"""Loading the VGG-19 of the style transfer: the bundled slim one, a file, or one from the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from huggingface_hub import hf_hub_download

from ..hub.access import ModelLoadError
from ..models.vgg19 import WEIGHTS_VARIABLE, VGG19Features

__all__ = ["BUNDLED", "load_style_network"]

BUNDLED = Path(__file__).parents[1] / "weights" / "vgg19-slim"
POOLING = "average"  # "slightly more appealing results" than maxima (Gatys et al. 2016, section 2)

Convention = Literal["caffe", "torch"]


def load_style_network(
    source: str | Path | None = None, convention: Convention | None = None
) -> VGG19Features:
    """Load the network whose features define style and content.

    Args:
        source: a safetensors file, a folder written by ``save_pretrained``, or a Hub id
            ``owner/name`` that has a ``model.safetensors``. None selects the file in the
            environment variable ``SKETCHCOLOR_VGG19``, or else the bundled slim network.
        convention: the input that a file's weights expect, see :meth:`VGG19Features.from_file`.
            None is ``caffe`` for a file and ``torch`` for the Hub, whose VGG-19s are PyTorch's.

    Returns:
        The network, with average pooling.

    Raises:
        ModelLoadError: there is no such network, the Hub cannot be reached, or it is no VGG-19.
    """
    source = source or os.environ.get(WEIGHTS_VARIABLE) or BUNDLED
    try:
        if Path(source).is_dir():
            return VGG19Features.from_pretrained(str(source), pooling=POOLING)
        if Path(source).suffix == ".safetensors" or str(source).count("/") != 1:
            return VGG19Features.from_file(source, convention or "caffe", POOLING)
        file = hf_hub_download(str(source), "model.safetensors")
        return VGG19Features.from_file(file, convention or "torch", POOLING)
    except (FileNotFoundError, ValueError) as error:
        raise ModelLoadError(str(error)) from error
    except Exception as error:  # network, server and disk faults share no base class
        raise ModelLoadError(
            f"The style network {str(source)!r} could not be fetched or read; check its name and "
            "the connection, or name a file."
        ) from error
