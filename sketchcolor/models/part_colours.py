"""A flow over the colours of a drawing's parts, with a transformer on one token per part.

A network that predicts pixels may give one part several colours; with one token per part this
cannot happen. The colours of a palette are further tokens, and known colours of parts are inputs.
"""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

__all__ = ["MOST_PARTS", "PartColours", "from_flow", "to_flow"]

MOST_PARTS = 24  # tokens of a drawing; smaller parts are merged with the most similar one
SAMPLING_STEPS = 12  # of Euler's method
# Approximate mean and standard deviation of colours, CIELAB; the flow is over normalised colours.
MEAN, STD = (65.0, 5.0, 8.0), (28.0, 20.0, 22.0)


def to_flow(lab: torch.Tensor) -> torch.Tensor:
    """…×3 CIELAB, L in [0, 100] → …×3 normalised colours of the flow."""
    return (lab - lab.new_tensor(MEAN)) / lab.new_tensor(STD)


def from_flow(colours: torch.Tensor) -> torch.Tensor:
    """The inverse of :func:`to_flow`."""
    return colours * colours.new_tensor(STD) + colours.new_tensor(MEAN)


class PartColours(ModelMixin, ConfigMixin):
    """Network of a flow (Lipman et al. 2023) over the colours of parts, predicting the colours.

    Args:
        features: length of a part's feature vector, see :func:`sketchcolor.parts.tokens.describe`.
        width, layers, heads: of the transformer (Vaswani et al. 2017).
    """

    @register_to_config
    def __init__(
        self, features: int = 139, width: int = 160, layers: int = 5, heads: int = 5
    ) -> None:
        super().__init__()
        self.describe = nn.Sequential(
            nn.LayerNorm(features), nn.Linear(features, width), nn.SiLU(), nn.Linear(width, width)
        )
        # The noisy colour, the known colour, and whether it is known.
        self.colour = nn.Linear(3 + 3 + 1, width)
        self.palette = nn.Linear(3 + 1, width)
        self.time = nn.Sequential(
            nn.Linear(2 * (width // 4), width), nn.SiLU(), nn.Linear(width, width)
        )
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.1, "gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.outlet = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3))

    def forward(
        self,
        noisy: torch.Tensor,
        time: torch.Tensor,
        features: torch.Tensor,
        present: torch.Tensor,
        known: torch.Tensor | None = None,
        is_known: torch.Tensor | None = None,
        palette: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
        palette_present: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Predict the colours (x0) from noisy ones. All colours are as of :func:`to_flow`.

        Args:
            noisy: B×N×3 noisy colours.
            time: B in [0, 1], 1 for noise.
            features: B×N×F. present: B×N bool, False for padding.
            known: B×N×3 given colours. is_known: B×N bool, for which parts.
            palette: B×K×3. weights: B×K. palette_present: B bool.

        Returns:
            B×N×3 predicted colours.
        """
        count = noisy.shape[1]
        if known is None or is_known is None:
            known, is_known = torch.zeros_like(noisy), torch.zeros_like(present)
        mask = is_known[..., None].to(noisy)
        tokens = self.describe(features) + self.colour(
            torch.cat([noisy * (1.0 - mask), known * mask, mask], dim=2)
        )
        absent = ~present
        if palette is not None and weights is not None:
            palette_tokens = self.palette(torch.cat([palette, weights[..., None]], dim=2))
            tokens = torch.cat([tokens, palette_tokens], dim=1)
            unused = weights <= 0
            if palette_present is not None:
                unused = unused | ~palette_present[:, None]
            absent = torch.cat([absent, unused], dim=1)
        tokens = tokens + self.time(self._embed_time(time))[:, None]
        return self.outlet(self.body(tokens, src_key_padding_mask=absent)[:, :count])

    def _embed_time(self, time: torch.Tensor) -> torch.Tensor:
        """B → B×2·(width/4) sinusoidal embedding (Vaswani et al. 2017, section 3.5)."""
        half = self.config.width // 4
        rates = torch.exp(torch.linspace(0.0, 5.0, half, device=time.device))
        angles = time.float()[:, None] * rates
        return torch.cat([angles.sin(), angles.cos()], dim=1).to(time.dtype)

    @torch.no_grad()
    def draw(self, noise: torch.Tensor, **conditions: torch.Tensor | None) -> torch.Tensor:
        """Sample colours with Euler's method.

        Args:
            noise: B×N×3 Gaussian noise.
            conditions: the further arguments of :meth:`forward`.

        Returns:
            B×N×3 CIELAB.
        """
        state = noise.to(self.dtype)
        times = torch.linspace(1.0, 0.0, SAMPLING_STEPS + 1).to(state)
        for now, after in zip(times[:-1], times[1:], strict=True):
            predicted = self(state, now.expand(len(state)), **conditions)
            velocity = (state - predicted) / now
            state = state + (after - now) * velocity
        known, is_known = conditions.get("known"), conditions.get("is_known")
        if known is not None and is_known is not None:
            state = torch.where(is_known[..., None], known, state)
        return from_flow(state.float())
