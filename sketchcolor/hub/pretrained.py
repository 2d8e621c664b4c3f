"""PretrainedPipeline: downloads and reads a pipeline's folder without running code from it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffusers import DiffusionPipeline
from huggingface_hub import snapshot_download

from .. import models
from .access import MODEL_FILES, retry_when_busy
from .checksums import remove_damaged


class PretrainedPipeline(DiffusionPipeline):
    """A pipeline whose components are classes of this package, also where there is remote code."""

    @classmethod
    def download(cls, pretrained_model_name: str, **kwargs: Any) -> str:
        """Downloads a pipeline's files from the Hub and returns their folder.

        Overrides the method of diffusers, which refuses components of other libraries.

        Raises:
            OSError: the content of a downloaded file has not the checksum that the Hub names.
        """
        supported = ("revision", "cache_dir", "token", "local_files_only", "force_download")
        options = {name: kwargs[name] for name in supported if kwargs.get(name) is not None}
        options["allow_patterns"] = MODEL_FILES
        fetch: Callable[..., str] = snapshot_download
        folder = retry_when_busy(fetch, pretrained_model_name, **options)
        if damaged := remove_damaged(Path(folder)):
            raise OSError(f"{', '.join(damaged)} arrived damaged; fetch the model again.")
        return folder

    @classmethod
    def load_config(cls, folder: str, **kwargs: Any) -> dict[str, Any]:
        """Reads the index of a pipeline's folder, with components named by this package's modules.

        The index of a published folder names them by the files of its remote code, which are for
        people without this package and are not used here.
        """
        config = super().load_config(folder, **kwargs)
        config["_class_name"] = cls.__name__
        for component, entry in config.items():
            if isinstance(entry, list) and hasattr(models, str(entry[-1])):
                config[component] = [getattr(models, entry[-1]).__module__, entry[-1]]
        return config
