"""The swish-gated residual U-Net (SGRU) of Liu, Chen & Hu (2019), and a refiner built from it.

Widths and weights that the paper does not give are those of the public reimplementation
github.com/pradeeplam/Anime-Sketch-Coloring-with-Swish-Gated-Residual-UNet.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from ..conditions.hints import reduce
from .blocks import FiLM, PaletteEmbedding, norm
from .outputs import GeneratorOutput

__all__ = ["SwishGatedGenerator", "SwishGatedRefiner"]

HINT_PLANES = 4  # RGB and a mask
HINT_LEVEL = 2  # at which features have a quarter of the sketch's size, as Ye et al.'s hint image


class SwishGate(nn.Module):
    """x · σ(W x): the gate of the shortcuts."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Conv2d(channels, channels, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features * torch.sigmoid(self.weight(features))


class SwishGatedBlock(nn.Module):
    """Two 3×3 convolutions with a swish-gated shortcut."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.inlet = nn.Conv2d(in_channels, out_channels, 1)
        self.gate = SwishGate(out_channels)
        self.body = nn.Sequential(
            norm(out_channels),
            nn.SiLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
            norm(out_channels),
            nn.SiLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        features = self.inlet(features)
        return self.gate(features) + self.body(features)


class SwishGatedUNet(ModelMixin, ConfigMixin):
    """The part that both networks share: blocks at each resolution and gated skip connections."""

    def _build(self, channels: tuple[int, ...], hinted: bool = False) -> None:
        """Builds the U-Net; ``hinted`` adds the channels of a hint map at :data:`HINT_LEVEL`."""
        pairs = list(zip(channels[:-1], channels[1:], strict=True))
        joining = {HINT_LEVEL: HINT_PLANES} if hinted else {}
        self.down = nn.ModuleList(
            SwishGatedBlock(width + joining.get(level, 0), width)
            for level, width in enumerate(channels[:-1])
        )
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.middle = nn.Sequential(*(SwishGatedBlock(channels[-1], channels[-1]) for _ in "ab"))
        self.skips = nn.ModuleList(SwishGate(a) for a in channels[:-1])
        self.up = nn.ModuleList(SwishGatedBlock(a + b, a) for a, b in pairs)

    def _pass(
        self,
        features: torch.Tensor,
        small_hints: torch.Tensor | None = None,
        modulate: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """The U-Net's forward pass: B×C×h×w → B×C×h×w.

        Args:
            small_hints: hint map at the size of :data:`HINT_LEVEL`.
            modulate: applied to the coarsest features.
        """
        shortcuts = []
        for level, (block, shrink) in enumerate(zip(self.down, self.shrink, strict=True)):
            if small_hints is not None and level == HINT_LEVEL:
                features = torch.cat([features, small_hints], dim=1)
            features = block(features)
            shortcuts.append(features)
            features = shrink(features)
        features = self.middle(features if modulate is None else modulate(features))
        for level in reversed(range(len(self.up))):
            features = F.interpolate(features, scale_factor=2.0, mode="nearest")
            gated = self.skips[level](shortcuts[level])
            features = self.up[level](torch.cat([gated, features], dim=1))
        return features


class SwishGatedGenerator(SwishGatedUNet):
    """Line art → colour in one stage; 37 M parameters.

    With ``hints`` it is the network of Ye et al., which takes a quarter-size picture of hints and
    its mask at the level of that size.

    Departures:
        - One output picture; the published network has nine and trains the best of them.
        - Group normalisation and swish in the blocks, strided convolutions for downsampling and
          nearest neighbours for upsampling, as in :class:`SwishGatedRefiner`.

    Args:
        channels: width per resolution, from the sketch's downwards.
        hints: whether it takes hints; needs at least four resolutions.

    Raises:
        ValueError: the network is too shallow for hints.
    """

    @register_to_config
    def __init__(
        self,
        channels: tuple[int, ...] = (96, 192, 288, 384, 480, 512),
        hints: bool = False,
    ) -> None:
        super().__init__()
        if hints and len(channels) - 1 <= HINT_LEVEL:
            raise ValueError(f"Hints need {HINT_LEVEL + 2} resolutions, not {len(channels)}.")
        self.inlet = nn.Conv2d(1, channels[0], 3, padding=1)
        self._build(channels, hints)
        self.outlet = nn.Sequential(
            norm(channels[0]), nn.SiLU(), nn.Conv2d(channels[0], 3, 3, padding=1), nn.Tanh()
        )

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that it takes besides the sketch."""
        return ("hints",) if self.config.hints else ()

    @property
    def multiple(self) -> int:
        """Sides of the sketch must be multiples of this."""
        return 2 ** (len(self.config.channels) - 1)

    def forward(
        self,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> GeneratorOutput:
        """Colour a sketch.

        Args:
            sketch: B×1×H×W in [-1, 1].
            hints: B×4×H×W hint map; None is a map without hints.
            generator: unused, this model is deterministic.

        Returns:
            ``image`` B×3×H×W in [-1, 1].

        Raises:
            ValueError: hints are given to a network without them.
        """
        small = None
        if self.config.hints:
            scale = 2**HINT_LEVEL
            if hints is None:
                size = [length // scale for length in sketch.shape[2:]]
                small = sketch.new_zeros(sketch.shape[0], HINT_PLANES, *size)
            else:
                small = reduce(hints, scale)
        elif hints is not None:
            raise ValueError("This generator does not take hints.")
        features = self.inlet(sketch.to(memory_format=torch.channels_last))
        return GeneratorOutput(image=self.outlet(self._pass(features, small)))


class SwishGatedRefiner(SwishGatedUNet):
    """Second stage: line art + a coarse colour proposal → colour at the line art's resolution.

    Fully convolutional. It works on patches of 2×2 px, which quarters the cost of the largest
    resolution. Fine lines that this blurs come from the sketch itself, which is composited over
    the colours later.

    Args:
        channels: width per resolution, from half the sketch's size downwards.
        proposal: whether it takes a proposal; without one it is a single-stage generator.
    """

    conditions = ("hints", "palette")

    @register_to_config
    def __init__(
        self, channels: tuple[int, ...] = (32, 64, 128, 192), proposal: bool = True
    ) -> None:
        super().__init__()
        self.patch = 2
        planes = 1 + HINT_PLANES + (3 if proposal else 0)
        self.inlet = nn.Conv2d(planes * self.patch**2, channels[0], 3, padding=1)
        self._build(channels)
        self.palette = PaletteEmbedding(128)
        self.modulate = FiLM(128, channels[-1])
        last = nn.Conv2d(channels[0], 3 * self.patch**2, 3, padding=1)
        nn.init.zeros_(last.weight)
        self.outlet = nn.Sequential(norm(channels[0]), nn.SiLU(), last)

    @property
    def multiple(self) -> int:
        """Sides of the sketch must be multiples of this."""
        return self.patch * 2 ** (len(self.config.channels) - 1)

    def forward(
        self,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        palette: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
        proposal: torch.Tensor | None = None,
        palette_present: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> GeneratorOutput:
        """Colour a sketch.

        Args:
            sketch: B×1×H×W in [-1, 1].
            hints: B×4×H×W hint map.
            palette: B×K×3 in [-1, 1]. weights: B×K. palette_present: B bool.
            proposal: B×3×h×w in [-1, 1] of any size; resized to H×W.
            generator: unused, this model is deterministic.

        Returns:
            ``image`` B×3×H×W in [-1, 1].

        Raises:
            ValueError: a proposal is missing, or given to a generator that takes none.
        """
        if (proposal is not None) != self.config.proposal:
            verb = "needs" if self.config.proposal else "does not take"
            raise ValueError(f"This generator {verb} a colour proposal.")
        if hints is None:
            hints = sketch.new_zeros(sketch.shape[0], HINT_PLANES, *sketch.shape[2:])
        planes = [sketch, hints]
        base = None
        if proposal is not None:
            base = F.interpolate(proposal, sketch.shape[2:], mode="bilinear", antialias=False)
            planes.append(base)
        features = F.pixel_unshuffle(torch.cat(planes, dim=1), self.patch)
        features = self.inlet(features.to(memory_format=torch.channels_last))
        vector = self.palette(sketch.shape[0], palette, weights, palette_present)
        features = self._pass(features, modulate=lambda middle: self.modulate(middle, vector))
        image = F.pixel_shuffle(self.outlet(features), self.patch)
        # The network predicts a residual to the proposal.
        image = image if base is None else image + base
        return GeneratorOutput(image=image.clamp(-1.0, 1.0) if not self.training else image)
