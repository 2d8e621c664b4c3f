"""Colours of a drawing's parts, all drawn together: a flow over a set of at most a few tokens.

A network that paints pixels can paint the hair in four colours. This one sees every part as one
token, so it cannot; a palette or a known colour is a token like the others.
"""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

__all__ = ["MOST_PARTS", "PartColours", "from_flow", "to_flow"]

MOST_PARTS = 24  # tokens of a drawing; smaller parts go by the one that they are most like
STEPS = 12  # of Euler's method, from noise to colours
# CIELAB in units that are about as large as colours differ.
CENTRE, SPREAD = (65.0, 5.0, 8.0), (28.0, 20.0, 22.0)


def to_flow(lab: torch.Tensor) -> torch.Tensor:
    """…×3 CIELAB, L in [0, 100] → the units of the flow."""
    return (lab - lab.new_tensor(CENTRE)) / lab.new_tensor(SPREAD)


def from_flow(colours: torch.Tensor) -> torch.Tensor:
    """The inverse of :func:`to_flow`."""
    return colours * colours.new_tensor(SPREAD) + colours.new_tensor(CENTRE)


class PartColours(ModelMixin, ConfigMixin):
    """Velocity network of a flow (Lipman et al. 2023) over the colours of parts.

    Args:
        features: numbers that describe a part; see :func:`part_tokens.describe`.
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
        # The noisy colour, the known one and whether there is one.
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
        """The colours that the network expects.

        Args:
            noisy: B×N×3, in the units of :func:`to_flow`.
            time: B in [0, 1], 1 for noise.
            features: B×N×F. present: B×N bool; the other tokens are no parts.
            known: B×N×3 colours that are given. is_known: B×N bool.
            palette: B×K×3, in the units of the flow. weights: B×K. palette_present: B bool.

        Returns:
            B×N×3.
        """
        count = noisy.shape[1]
        if is_known is None:
            known, is_known = torch.zeros_like(noisy), torch.zeros_like(present)
        given = is_known[..., None].to(noisy)
        tokens = self.describe(features) + self.colour(
            torch.cat([noisy * (1.0 - given), known * given, given], dim=2)
        )
        absent = ~present
        if palette is not None:
            chosen = self.palette(torch.cat([palette, weights[..., None]], dim=2))
            tokens = torch.cat([tokens, chosen], dim=1)
            unused = weights <= 0
            if palette_present is not None:
                unused = unused | ~palette_present[:, None]
            absent = torch.cat([absent, unused], dim=1)
        tokens = tokens + self.time(self._time_waves(time))[:, None]
        return self.outlet(self.body(tokens, src_key_padding_mask=absent)[:, :count])

    def _time_waves(self, time: torch.Tensor) -> torch.Tensor:
        """B → B×2·(width/4), sines and cosines (Vaswani et al. 2017, section 3.5)."""
        half = self.config.width // 4
        rates = torch.exp(torch.linspace(0.0, 5.0, half, device=time.device))
        angles = time.float()[:, None] * rates
        return torch.cat([angles.sin(), angles.cos()], dim=1).to(time.dtype)

    @torch.no_grad()
    def draw(self, noise: torch.Tensor, **conditions: torch.Tensor | None) -> torch.Tensor:
        """Draw colours, B×N×3 CIELAB, from B×N×3 noise; ``conditions`` as :meth:`forward` has."""
        state = noise.to(self.dtype)
        times = torch.linspace(1.0, 0.0, STEPS + 1).to(state)
        for now, after in zip(times[:-1], times[1:], strict=True):
            expected = self(state, now.expand(len(state)), **conditions)
            velocity = (state - expected) / now
            state = state + (after - now) * velocity
        is_known = conditions.get("is_known")
        if is_known is not None:
            state = torch.where(is_known[..., None], conditions["known"], state)
        return from_flow(state.float())
