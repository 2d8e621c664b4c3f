"""PretrainedPipeline: how a pipeline's folder is fetched and read, without running its code."""

from pathlib import Path
from typing import Any

from diffusers import DiffusionPipeline
from huggingface_hub import snapshot_download

from .. import models
from .access import MODEL_FILES, patiently
from .checksums import remove_damaged


class PretrainedPipeline(DiffusionPipeline):
    """A pipeline whose component classes are this package's own, wherever the folder comes from."""

    @classmethod
    def download(cls, pretrained_model_name: str, **kwargs: Any) -> str:
        """Fetches a pipeline's files from the Hub and returns the folder.

        Overrides diffusers' own, which refuses component classes outside diffusers.

        Raises:
            OSError: what arrived is not what the Hub holds.
        """
        passed = ("revision", "cache_dir", "token", "local_files_only", "force_download")
        keep = {name: kwargs[name] for name in passed if kwargs.get(name) is not None}
        keep["allow_patterns"] = MODEL_FILES
        folder = patiently(snapshot_download, pretrained_model_name, **keep)
        if damaged := remove_damaged(Path(folder)):
            raise OSError(f"{', '.join(damaged)} arrived damaged; fetch the model again.")
        return folder

    @classmethod
    def load_config(cls, folder: str, **kwargs: Any) -> dict[str, Any]:
        """Reads the index of a pipeline's folder.

        A published folder names its classes by the code files that it carries for people without
        this package; here they are named by the package's modules, so that those files stay unread.
        """
        config = super().load_config(folder, **kwargs)
        config["_class_name"] = cls.__name__
        for component, entry in config.items():
            if isinstance(entry, list) and hasattr(models, str(entry[-1])):
                config[component] = [getattr(models, entry[-1]).__module__, entry[-1]]
        return config
