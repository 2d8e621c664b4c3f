"""The swish-gated residual U-Net (SGRU) of Liu, Chen & Hu (2019), and a refiner built from it.

Widths and weights that the paper does not give are those of the public reimplementation
github.com/pradeeplam/Anime-Sketch-Coloring-with-Swish-Gated-Residual-UNet.
"""

from __future__ import annotations

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
SLOPE = 0.03  # of the leaky ReLU in the paper's blocks
HINT_LEVEL = 2  # at which features have a quarter of the sketch's size, as Ye et al.'s hint image


class SwishGate(nn.Module):
    """x · σ(W x): the gate of the shortcuts."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Conv2d(channels, channels, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features * torch.sigmoid(self.weight(features))


class SwishGatedBlock(nn.Module):
    """Two 3×3 convolutions with a swish-gated shortcut that is added, as the refiner has them."""

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


class PaperBlock(nn.Module):
    """A swish-gated block of the paper: two 3×3 convolutions beside a swish shortcut.

    The block's output at another size is the resampled output of the convolutions, concatenated
    with the resampled shortcut swish(x) = x · σ(x).

    Args:
        in_channels: of the features that come in.
        channels: of the convolutions.
        narrows: whether a 1×1 convolution brings the input to ``channels``; the first block takes
            the sketch itself.
    """

    def __init__(self, in_channels: int, channels: int, narrows: bool = True) -> None:
        super().__init__()
        self.inlet = _rectified(in_channels, channels, 1) if narrows else nn.Identity()
        self.body = nn.Sequential(
            _rectified(channels if narrows else in_channels, channels, 3),
            _rectified(channels, channels, 3),
        )

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs of the convolutions and of the shortcut, both of the input's size."""
        features = self.inlet(features)
        return self.body(features), F.silu(features)


def _rectified(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """Convolution, normalisation and a leaky ReLU."""
    convolution = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
    return nn.Sequential(convolution, norm(out_channels), nn.LeakyReLU(SLOPE))


class SwishGatedGenerator(ModelMixin, ConfigMixin):
    """Line art → colour in one stage; the network of Liu, Chen & Hu.

    On the way down, a block's output is max-pooled and concatenated with its pooled swish shortcut.
    On the way up it is enlarged by a 2×2 transposed convolution and concatenated with the enlarged
    swish shortcut and with swish of the convolutions of the same size on the way down. With
    ``hints`` it is the network of Ye et al., which takes a quarter-size picture of hints and its
    mask at the level of that size.

    Departures:
        - One output picture; the published network has nine and trains the best of them.
        - Group normalisation in the blocks, and a tanh at the end.

    Args:
        channels: width per resolution, from the sketch's downwards; the last is that of the
            smallest.
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
        *outer, innermost = channels
        self.down, self.up, self.rise = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        arriving = 1
        for level, width in enumerate(outer):
            joining = HINT_PLANES if hints and level == HINT_LEVEL else 0
            self.down.append(PaperBlock(arriving + joining, width, narrows=level > 0))
            shortcut = width if level else arriving + joining
            arriving = width + shortcut
        widths = [innermost, *reversed(outer[1:])]
        for width, skip in zip(widths, reversed(outer), strict=True):
            self.up.append(PaperBlock(arriving, width))
            self.rise.append(nn.ConvTranspose2d(width, width, 2, stride=2))
            arriving = 2 * width + skip
        last = outer[0]
        self.outlet = nn.Sequential(
            _rectified(arriving, last, 1),
            _rectified(last, last, 3),
            nn.Conv2d(last, 3, 1),
            nn.Tanh(),
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
        if hints is not None and not self.config.hints:
            raise ValueError("This generator does not take hints.")
        features = sketch.to(memory_format=torch.channels_last)
        skips = []
        for level, block in enumerate(self.down):
            if self.config.hints and level == HINT_LEVEL:
                features = torch.cat([features, self._small_hints(sketch, hints)], dim=1)
            made, shortcut = block(features)
            skips.append(F.silu(made))
            features = torch.cat([F.max_pool2d(made, 2), F.max_pool2d(shortcut, 2)], dim=1)
        for block, rise in zip(self.up, self.rise, strict=True):
            made, shortcut = block(features)
            shortcut = F.interpolate(shortcut, scale_factor=2.0, mode="nearest")
            features = torch.cat([rise(made), shortcut, skips.pop()], dim=1)
        return GeneratorOutput(image=self.outlet(features))

    @staticmethod
    def _small_hints(sketch: torch.Tensor, hints: torch.Tensor | None) -> torch.Tensor:
        """The hint map at the size of :data:`HINT_LEVEL`, zero for None."""
        scale = 2**HINT_LEVEL
        if hints is not None:
            return reduce(hints, scale)
        size = [length // scale for length in sketch.shape[2:]]
        return sketch.new_zeros(sketch.shape[0], HINT_PLANES, *size)


class SwishGatedRefiner(ModelMixin, ConfigMixin):
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
        pairs = list(zip(channels[:-1], channels[1:], strict=True))
        self.down = nn.ModuleList(SwishGatedBlock(width, width) for width in channels[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.middle = nn.Sequential(*(SwishGatedBlock(channels[-1], channels[-1]) for _ in "ab"))
        self.skips = nn.ModuleList(SwishGate(a) for a in channels[:-1])
        self.up = nn.ModuleList(SwishGatedBlock(a + b, a) for a, b in pairs)
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
        features = self._pass(features, vector)
        image = F.pixel_shuffle(self.outlet(features), self.patch)
        # The network predicts a residual to the proposal.
        image = image if base is None else image + base
        return GeneratorOutput(image=image.clamp(-1.0, 1.0) if not self.training else image)

    def _pass(self, features: torch.Tensor, palette: torch.Tensor) -> torch.Tensor:
        """The U-Net's forward pass: B×C×h×w → B×C×h×w; the palette modulates the coarsest."""
        shortcuts = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            features = block(features)
            shortcuts.append(features)
            features = shrink(features)
        features = self.middle(self.modulate(features, palette))
        for level in reversed(range(len(self.up))):
            features = F.interpolate(features, scale_factor=2.0, mode="nearest")
            gated = self.skips[level](shortcuts[level])
            features = self.up[level](torch.cat([gated, features], dim=1))
        return features
