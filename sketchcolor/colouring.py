"""The one path from a batch of sketches and their conditions to colours.

Calls of the pipeline, and with them the page, the command line and the API, take it as well as
evaluation, so what is measured is what visitors get.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from diffusers import ModelMixin, SchedulerMixin
from PIL import Image

from .cache import ResultCache
from .calls import hint_page
from .conditions import Conditions
from .conditions.hint_field import hint_field
from .geometry import Fit, stretch
from .images import to_tensor
from .models.palette_prior import PalettePrior
from .models.part_colours import PartColours
from .models.parts import PartEncoder
from .models.proposer import ColorProposer
from .parts.analysis import read_cells
from .parts.colouring import (
    colours_of_proposals,
    draw_colours,
    light_over,
    paint_flats,
    take_over,
    with_hints,
)
from .parts.flats import Flats
from .parts.reader import DrawingReader
from .postprocess.enforce import enforce_conditions
from .precision import autocast, fastest_dtype
from .sampling.proposal import Proposal, UnhintedCache, draw_proposal
from .sampling.seeds import seeded_generators

__all__ = ["ColouringMixin"]


class ColouringMixin:
    """What :class:`SketchColorPipeline` does with its networks, see there for what each is."""

    # Networks that a pipeline does not have are None.
    generator: ModelMixin
    proposer: ColorProposer
    scheduler: SchedulerMixin
    palette_prior: PalettePrior
    parts: PartEncoder
    part_colours: PartColours
    config: Any

    def clear_caches(self) -> None:
        """Forget what is kept of the last few drawings while strokes come and go over them."""
        self._unhinted_proposals = UnhintedCache()
        self._free_colours: ResultCache[list[np.ndarray]] = ResultCache()
        self._read_drawing = DrawingReader()

    @property
    def _proposes(self) -> bool:
        """Whether pictures begin with a proposal of the flow over colour pictures."""
        return self.proposer is not None and self.part_colours is None

    @property
    def _guesses_palettes(self) -> bool:
        """Whether a palette is guessed where none is given; colours of parts need no guess."""
        return self.palette_prior is not None and self._proposes

    def _colour(
        self,
        drawings: list[Image.Image],
        layers: list[np.ndarray] | None,
        conditions: Conditions,
        geometry: Fit,
        seeds: list[int],
        num_inference_steps: int,
        paint_paper: bool = False,
        on_step: Callable[[], None] = lambda: None,
    ) -> tuple[torch.Tensor, list[Flats] | None]:
        """The one path from conditions to colours, for calls and for evaluation.

        Args:
            drawings: B of mode L and one size; variants are one and the same object.
            layers: B hint layers of the drawings' size, see :func:`calls.hint_layer`, or None.
            conditions: the same drawings and hints at the working page of ``geometry``, and more.
            seeds: B of them.
            paint_paper: colour the ground around the figure, too.
            on_step: called after every step of the proposer.

        Returns:
            B×3×h×w in [-1, 1] without the page's padding, and flats if the model knows parts.
        """
        if conditions.palette is None and self._guesses_palettes:
            colors, weights = self.palette_prior.draw(conditions.sketch, seeds)
            conditions = replace(
                conditions, palette=colors, palette_weights=weights, palette_is_guess=True
            ).expand(len(conditions), conditions.sketch.device)
        unhinted = placed = None
        if self._proposes:
            # Where parts are known, hints are about parts, and the flow is not asked about them.
            given = layers if self.parts is None else None
            proposal, drawn_for = self._propose(
                drawings, given, conditions, seeds, num_inference_steps, on_step
            )
            unhinted = proposal.unhinted
            if self.parts is None:  # parts take their colours from the proposal itself
                placed = geometry.take_over(proposal.colors, drawn_for)
        if self.parts is not None:
            hints = None if conditions.hints is None else geometry.crop(conditions.hints)
            flats = self._paint_flats(drawings, hints, conditions, unhinted, seeds, paint_paper)
            return self._light(flats, hints, conditions, geometry, seeds), flats
        colour = self._generate(conditions, placed, seeds).float().clamp(-1.0, 1.0)
        if self.config.hold:
            colour = enforce_conditions(colour, conditions, unhinted)
        return geometry.crop(colour), None

    def _propose(
        self,
        drawings: list[Image.Image],
        layers: list[np.ndarray] | None,
        conditions: Conditions,
        seeds: list[int],
        num_inference_steps: int,
        on_step: Callable[[], None],
    ) -> tuple[Proposal, Fit]:
        """Proposals, and the geometry of the line art that they were drawn for."""
        config = self.proposer.config
        scale = config.sketch_scale
        side, multiple = config.sample_size * scale, self.proposer.multiple * scale
        count, device = len(drawings), conditions.sketch.device
        if all(one is drawings[0] for one in drawings):  # variants share what is made of a drawing
            drawings, layers = drawings[:1], layers and layers[:1]
        pages, (geometry, *_) = zip(
            *(stretch(one, side, multiple) for one in drawings), strict=True
        )
        sketch = torch.cat([to_tensor(page) for page in pages])
        field = None
        if layers is not None:
            hints = torch.cat([hint_page(layer, geometry) for layer in layers])
            field = hint_field(hints, sketch, scale)
        with autocast(self.proposer, device.type):
            proposal = draw_proposal(
                self.proposer,
                self.scheduler,
                replace(conditions, sketch=sketch, hints=field, style=None).expand(count, device),
                seeded_generators(seeds),
                num_inference_steps,
                self.config.noise_scale,
                self.config.guidance_scale,
                on_step,
                self._unhinted_proposals,
            )
        return proposal, geometry

    def _paint_flats(
        self,
        drawings: list[Image.Image],
        hints: torch.Tensor | None,
        conditions: Conditions,
        unhinted: torch.Tensor | None,
        seeds: list[int],
        paint_paper: bool,
    ) -> list[Flats]:
        """A colour for every part: drawn, or taken from a proposal, and then what hints ask for.

        Args:
            hints: B×4×h×w hint map without the page's padding, or None.
            unhinted: B×3×h'×w' proposals, or None where a network draws colours of parts.
        """
        networks = self.proposer, self.parts
        given = [None] * len(drawings) if hints is None else list(hints)
        read = [
            self._read_drawing(drawing, *networks, hint_map, paint_paper)
            for drawing, hint_map in zip(drawings, given, strict=True)
        ]
        parts, hinted_parts = (list(one) for one in zip(*read, strict=True))
        palette = conditions.given_palette()
        if unhinted is not None:
            is_guess = conditions.palette_is_guess
            free = colours_of_proposals(parts, unhinted, palette, is_guess, paint_paper)
        else:
            noise = seeded_generators(seeds)
            free = self._free_colours.get_or_compute(
                lambda: draw_colours(self.part_colours, parts, noise, palette, paint_paper),
                [*networks, self.part_colours],
                *(*drawings, *(palette or ()), seeds, paint_paper),
            )
        free = [take_over(*one) for one in zip(parts, free, hinted_parts, strict=True)]
        return with_hints(
            hinted_parts,
            free,
            hints,
            paint_paper,
            lambda page, hint_map: read_cells(page, hint_map, *networks),
        )

    def _light(
        self,
        flats: list[Flats],
        hints: torch.Tensor | None,
        conditions: Conditions,
        geometry: Fit,
        seeds: list[int],
    ) -> torch.Tensor:
        """B×3×h×w: the generator's light over flats; conditions are in the flats already."""
        sketch = conditions.sketch
        painted = paint_flats(flats, geometry).to(sketch)
        colour = geometry.crop(self._generate(Conditions(sketch), painted, seeds).float())
        if not self.config.hold:
            return colour.clamp(-1.0, 1.0)
        return light_over(colour, geometry.crop(painted), flats, hints)

    def _generate(
        self, conditions: Conditions, proposal: torch.Tensor | None, seeds: list[int]
    ) -> torch.Tensor:
        """The generator's B×3×H×W picture, from a proposal if the model has one.

        The generator alone is rounded to what the device computes fastest: the proposer's time is
        small, and its colours are to depend on the seed only, not on how many are drawn together.
        """
        arguments: dict[str, Any] = dict(conditions.arguments())
        if proposal is not None:
            arguments["proposal"] = proposal
        if getattr(self.generator, "draws_noise", False):
            arguments["generator"] = seeded_generators(seeds)
        device = conditions.sketch.device.type
        with autocast(self.generator, device, fastest_dtype(device)):
            return self.generator(**arguments).image
