"""VGG-19 feature extractor (Simonyan and Zisserman 2015) for perceptual losses, style and metrics.

The layer indices are those of torchvision's sequential ``features``, so that the converted Caffe
weights of Gatys et al. and the PyTorch ImageNet weights on the Hub load into the same class. The
two expect differently normalised input, which is part of the config (`CAFFE`, `TORCH`). The package
includes no VGG-19 weights, only those of a slim network that was distilled from it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS_VARIABLE = "SKETCHCOLOR_VGG19"
CONVOLUTIONS = (2, 2, 4, 4, 4)

# Input conventions: the network sees (scale * x - mean) / std for x in [0, 1], in channel order.
CAFFE: dict[str, Any] = {
    "channel_order": "bgr",
    "scale": 255.0,
    "mean": (103.939, 116.779, 123.68),
    "std": (1.0, 1.0, 1.0),
}
TORCH: dict[str, Any] = {
    "channel_order": "rgb",
    "scale": 1.0,
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
}

LAYERS = tuple(
    f"relu{block}_{i}" for block, n in enumerate(CONVOLUTIONS, 1) for i in range(1, n + 1)
)


class VGG19Features(ModelMixin, ConfigMixin):
    """The 16 convolutions of VGG-19, with zero padding; frozen and always in evaluation mode.

    Args:
        channels: output channels of the five blocks.
        channel_order: "bgr" (Caffe) or "rgb", the channel order that the weights expect.
        scale, mean, std: the image in [0, 1] enters the network as ``(scale * x - mean) / std``;
            mean and std are in `channel_order`.
        pooling: "max", or "average", which Gatys et al. 2016 (section 2) prefer for synthesis.
        widened: layer → channels. A learned 1×1 convolution and a ReLU map the layer's output to
            so many channels, so that a slim network has the output of the full one.

    Raises:
        ValueError: an argument has a value that is not listed here.
    """

    @register_to_config
    def __init__(
        self,
        channels: Sequence[int] = (64, 128, 256, 512, 512),
        channel_order: Literal["bgr", "rgb"] = CAFFE["channel_order"],
        scale: float = CAFFE["scale"],
        mean: Sequence[float] = CAFFE["mean"],
        std: Sequence[float] = CAFFE["std"],
        pooling: Literal["max", "average"] = "max",
        widened: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        if channel_order not in ("bgr", "rgb"):
            raise ValueError(f'channel_order is {channel_order!r}; use "bgr" or "rgb".')
        if pooling not in ("max", "average"):
            raise ValueError(f'pooling is {pooling!r}; use "max" or "average".')
        if len(channels) != len(CONVOLUTIONS):
            raise ValueError(f"channels needs {len(CONVOLUTIONS)} numbers, one for each block.")
        pool = nn.MaxPool2d if pooling == "max" else nn.AvgPool2d
        modules: list[nn.Module] = []
        self._positions: dict[str, int] = {}  # layer name → index of its ReLU in `features`
        previous = 3
        for block, (width, count) in enumerate(zip(channels, CONVOLUTIONS, strict=True), 1):
            if block > 1:
                modules.append(pool(2))
            for i in range(1, count + 1):
                modules += [nn.Conv2d(previous, width, 3, padding=1), nn.ReLU(inplace=True)]
                self._positions[f"relu{block}_{i}"] = len(modules) - 1
                previous = width
        self.features = nn.Sequential(*modules)
        self.widen = nn.ModuleDict(
            {
                layer: nn.Conv2d(channels[int(layer[4]) - 1], width, 1)
                for layer, width in (widened or {}).items()
            }
        )
        for name, values in (("input_mean", mean), ("input_std", std)):
            planes = torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1)
            self.register_buffer(name, planes, persistent=False)
        self.requires_grad_(False)
        self.eval()

    @classmethod
    def from_file(
        cls,
        path: str | Path | None = None,
        convention: Literal["caffe", "torch"] = "caffe",
        pooling: Literal["max", "average"] = "max",
    ) -> VGG19Features:
        """Load a safetensors file of keys ``features.N.weight`` and ``features.N.bias``.

        Args:
            path: the file; by default the one named by the environment variable SKETCHCOLOR_VGG19.
            convention: what input the weights expect, "caffe" (BGR, 0…255, mean subtracted) or
                "torch" (RGB, normalised by the ImageNet mean and deviation).
            pooling: see the class.

        Returns:
            The model in float32, for files of any precision; keys of a classifier are ignored.

        Raises:
            FileNotFoundError: no file is named, or it does not exist.
            ValueError: the file has no weights of a VGG-19, or the convention is unknown.
        """
        conventions = {"caffe": CAFFE, "torch": TORCH}
        if convention not in conventions:
            raise ValueError(f'convention is {convention!r}; use "caffe" or "torch".')
        path = path or os.environ.get(WEIGHTS_VARIABLE)
        if not path or not Path(path).is_file():
            raise FileNotFoundError(
                f"VGG-19 weights not found{f' at {path}' if path else ''}: pass the path of a "
                f"safetensors file with features.N.weight keys, or set {WEIGHTS_VARIABLE} to it."
            )
        try:
            weights = load_file(path)
        except Exception as error:  # safetensors' error classes are undocumented
            raise ValueError(f"{path} is not a readable safetensors file: {error}.") from error
        state = {k: v.float() for k, v in weights.items() if k.startswith("features.")}
        biases = [state[key] for key in sorted(state, key=_index) if key.endswith(".bias")]
        if len(biases) != sum(CONVOLUTIONS):
            raise ValueError(
                f"{path} is not a VGG-19: it has {len(biases)} biases named features.N.bias, "
                f"not {sum(CONVOLUTIONS)}."
            )
        ends = [sum(CONVOLUTIONS[: block + 1]) - 1 for block in range(len(CONVOLUTIONS))]
        channels: Any = tuple(len(biases[end]) for end in ends)
        model = cls(channels=channels, pooling=pooling, **conventions[convention])
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"{path} does not fit VGG-19: {error}") from error
        return model.to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> VGG19Features:
        """Stay in evaluation mode, whatever mode the surrounding module is set to."""
        return super().train(False)

    def forward(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Compute the activations of the named layers, and no deeper ones.

        Args:
            image: B×3×H×W, sRGB in [-1, 1]. Gradients flow back to it.
            layers: names from "relu1_1" to "relu5_4" (`LAYERS`), in any order.

        Returns:
            name → B×C×h×w activations after the ReLU, in the order of `layers`. With the Caffe
            weights they reach the hundreds, so losses should scale each layer.

        Raises:
            ValueError: ``layers`` is empty, or a name is unknown.
        """
        unknown = [name for name in layers if name not in self._positions]
        if unknown or not layers:
            raise ValueError(f"Unknown VGG-19 layers {unknown}: name some of {', '.join(LAYERS)}.")
        names = {self._positions[name]: name for name in layers}
        x = self.normalise(image)
        found: dict[str, Tensor] = {}
        for index in range(max(names) + 1):
            x = self.features[index](x)
            if index in names:
                found[names[index]] = x
        for name in self.widen.keys() & found.keys():
            found[name] = self.widen[name](found[name]).relu()
        return {name: found[name] for name in layers}

    def normalise(self, image: Tensor) -> Tensor:
        """Normalise B×3×H×W sRGB in [-1, 1] to the input that the weights expect."""
        x = (image + 1) / 2
        if self.config.channel_order == "bgr":
            x = x.flip(1)
        return ((self.config.scale * x - self.input_mean) / self.input_std).to(self.dtype)


def _index(key: str) -> int:
    """The N of ``features.N.bias``."""
    return int(key.split(".")[1])
