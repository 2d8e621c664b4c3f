"""SketchColorPipeline: the one door to the models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ModelMixin, SchedulerMixin
from diffusers.utils import BaseOutput
from PIL import Image

from .calls import Callback, Hints, StepCounter, check_call, hint_tensor
from .conditions import Palette, from_image
from .conditions import hints as hint_maps
from .conditions.hint_field import hint_field
from .geometry import Fit, fit, stretch
from .hub.pretrained import PretrainedPipeline
from .images import as_output_type, read_image, read_sketch, to_pil, to_tensor
from .lineart.cleanup import clean_sketch
from .models import style_vector as styles
from .models.palette_prior import PalettePrior
from .models.part_colours import PartColours
from .models.parts import PartEncoder
from .models.proposer import ColorProposer
from .parts.analysis import DrawingParts, read_cells
from .parts.colouring import (
    PartMap,
    colours_of_proposals,
    draw_colours,
    flat_layer,
    light_over,
    map_parts,
    paint_flats,
    take_over,
    with_hints,
)
from .parts.flats import Flats
from .parts.reader import DrawingReader
from .postprocess.compose import colour_layer, keep_lines
from .postprocess.enforce import hold_wishes
from .precision import autocast, fastest_dtype
from .sampling.proposal import DEFAULT_STEPS, KEPT, FreeColourings, Proposal, draw_proposal
from .sampling.seeds import Generators, seeds_of, variant_seeds

__all__ = ["SketchColorOutput", "SketchColorPipeline"]

PaletteTensors = tuple[torch.Tensor, torch.Tensor]


@dataclass
class SketchColorOutput(BaseOutput):
    """What a call returns.

    Attributes:
        images: PIL RGB pictures of the sketch's own size, or a B×H×W×3 array in [0, 1]
            (``"np"``), or a B×3×H×W tensor in [0, 1] (``"pt"``).
        seeds: the seed of each picture.
        parts: of each picture, which pixel belongs to which part and what colour that has; None
            from a model without a part encoder.
        flats: PIL RGB pictures of the sketch's size, the parts in their colours without light and
            lines; None from a model without a part encoder.
    """

    images: list[Image.Image] | np.ndarray | torch.Tensor
    seeds: list[int]
    parts: list[PartMap] | None = None
    flats: list[Image.Image] | None = None


class SketchColorPipeline(PretrainedPipeline):
    """Colours line art at its own size, under the artist's own lines.

    The proposer draws one of the plausible colourings at low resolution, the generator
    refines it at working resolution, and the result is composed with the original lines.
    With a part encoder the proposal only says what colour each part has: the generator paints light
    over flats, and a hint colours the part that it is put on. With a network that colours parts
    there is no proposal; the proposer is read for what it knows of the lines. Without a proposer
    the generator alone is asked (the published systems run so).

    Args:
        generator: colours B×1×H×W line art; its ``conditions`` say what else it takes.
        proposer: velocity network sampled with ``scheduler``, or None.
        scheduler: a flow-matching scheduler, or None.
        palette_prior: gives palettes where none is asked for, or None.
        parts: tells from the proposer's features which places belong together, or None.
        part_colours: draws the colours of all parts together, instead of a proposal, or None.
        noise_scale: times the noise that a proposal starts from; less than 1 trades variety for
            plausible colours.
        guidance_scale: how much further than it would by itself the proposer goes towards what
            fits this sketch; see :func:`draw_proposal`.
        hold: bring the networks' picture to the palette and the hints that were asked for; False
            shows what the networks alone make of them.
    """

    model_cpu_offload_seq = "proposer->generator"
    _optional_components = ["proposer", "scheduler", "palette_prior", "parts", "part_colours"]

    def __init__(
        self,
        generator: ModelMixin,
        proposer: ColorProposer | None = None,
        scheduler: SchedulerMixin | None = None,
        palette_prior: PalettePrior | None = None,
        parts: PartEncoder | None = None,
        part_colours: PartColours | None = None,
        noise_scale: float = 1.0,
        guidance_scale: float = 1.0,
        hold: bool = True,
    ) -> None:
        super().__init__()
        if (proposer is None) != (scheduler is None):
            raise ValueError("A proposer and its scheduler come together: give both or neither.")
        if palette_prior is not None and "palette" not in generator.conditions:
            raise ValueError("This generator takes no palette: leave the palette prior out.")
        if parts is not None and proposer is None:
            raise ValueError("A part encoder reads a proposer's features: give both.")
        if part_colours is not None and parts is None:
            raise ValueError("Colours are drawn for parts: give a part encoder, too.")
        self.register_modules(
            generator=generator,
            proposer=proposer,
            scheduler=scheduler,
            palette_prior=palette_prior,
            parts=parts,
            part_colours=part_colours,
        )
        self.register_to_config(noise_scale=noise_scale, guidance_scale=guidance_scale, hold=hold)
        self.set_progress_bar_config(disable=True)
        self.model_id: str | None = None
        self.revision: str | None = None
        self._free_colourings = FreeColourings(KEPT)
        self._read_drawing = DrawingReader(KEPT)
        for component in (generator, proposer, parts, part_colours):
            if component is not None:
                component.eval().to(memory_format=torch.channels_last)

    @property
    def conditions(self) -> tuple[str, ...]:
        """What the models can be told besides the sketch: ``hints``, ``palette``, ``style``."""
        return tuple(self.generator.conditions)

    @property
    def _proposes(self) -> bool:
        """Whether pictures begin with a proposal of the flow over colour pictures."""
        return self.proposer is not None and self.part_colours is None

    @property
    def _guesses_palettes(self) -> bool:
        """Whether a palette is guessed where none is given; colours of parts need no guess."""
        return self.palette_prior is not None and self._proposes

    @torch.no_grad()
    def __call__(
        self,
        sketch: Any,
        hints: Hints | None = None,
        palette: Palette | None = None,
        reference: Any = None,
        num_variants: int = 1,
        seed: int | None = None,
        resolution: int = 512,
        lines: Literal["keep", "model"] = "keep",
        background: Literal["paper", "painted"] = "paper",
        clean_paper: bool = True,
        num_inference_steps: int = DEFAULT_STEPS,
        output_type: Literal["pil", "np", "pt"] = "pil",
        return_dict: bool = True,
        callback: Callback | None = None,
    ) -> SketchColorOutput | tuple:
        """Colour one sketch.

        Args:
            sketch: path, bytes, file, PIL picture or array; see :func:`images.read_sketch`.
            hints: strokes in pixels of the sketch, or a transparent picture of its size whose
                opaque pixels are hints.
            palette: colours that the picture should keep to.
            reference: a picture whose palette to take, or whose style if that is what the model
                is told; not together with ``palette``.
            num_variants: pictures with different colourings, in one batch.
            seed: of the first variant, the others follow; None draws one.
            resolution: the network works on about resolution² pixels.
            lines: ``keep`` composites the sketch's own lines, so that they survive exactly;
                ``model`` shows the network's picture as it is.
            background: ``paper`` leaves the ground around the figure white unless a hint on it asks
                for a colour; ``painted`` colours it, too. Of models with a part encoder.
            clean_paper: remove the paper of a photo or scan first; clean line art is untouched.
            num_inference_steps: of the proposer.
            output_type: ``pil``, ``np`` or ``pt``.
            return_dict: False returns a plain tuple.
            callback: called with (done, total) after every step.

        Returns:
            :class:`SketchColorOutput`.

        Raises:
            ImageError: a picture cannot be read.
            ValueError: an argument is out of range, or the model does not take a condition.

        Example:
            >>> from sketchcolor import load_pipeline
            >>> pipe = load_pipeline()
            >>> pipe("sketch.png", seed=7).images[0].save("coloured.png")
        """
        # 1. Check everything before any work.
        self._check(hints, palette, reference)
        choices = {"lines": lines, "background": background, "output_type": output_type}
        check_call(num_variants, resolution, num_inference_steps, **choices)
        original = read_sketch(sketch)
        drawing = clean_sketch(original) if clean_paper else original
        style = None
        if reference is not None and "style" in self.conditions:
            style = styles.from_image(read_image(reference))
        elif reference is not None:
            palette = from_image(read_image(reference))
        seeds = variant_seeds(seed, num_variants)
        total = (num_inference_steps if self._proposes else 0) + 2
        report = StepCounter(callback, total)

        # 2. Conditions at the network's working resolution.
        device = self._execution_device
        tensors = palette.to_tensors() if palette is not None else None
        page, geometry = fit(drawing, resolution, self.generator.multiple)
        guessed = palette is None and self._guesses_palettes
        if guessed:
            tensors = self.palette_prior.draw(to_tensor(page), seeds)
        arguments = self._arguments(drawing, geometry, page, hints, tensors, num_variants, device)
        if style is not None:
            arguments["style"] = style.to(device).expand(num_variants, -1)

        # 3. Propose.
        draft = proposal = None
        if self._proposes:
            # Where parts are known, hints are about parts, and no flow is asked about them.
            given = hints if self.parts is None else None
            proposal, drawn_for = self._propose(
                drawing, given, tensors, guessed, seeds, num_inference_steps, report, device
            )
            draft = proposal.unhinted
        # 4. Refine, and make hold what was asked for.
        noise = [torch.Generator().manual_seed(s) for s in seeds]
        flats = None
        if self.parts is not None:
            painted = background == "painted"
            given = geometry.crop(arguments["hints"])[0] if "hints" in arguments else None
            networks = self.proposer, self.parts
            parts = [self._read_drawing(drawing, *networks, given, painted)] * num_variants
            colour, flats = self._colour_by_parts(
                parts, draft, arguments, guessed, geometry, noise, painted
            )
        else:
            if proposal is not None:
                arguments["proposal"] = geometry.take_over(proposal.colors, drawn_for)
            colour = self._hold(self._refine(arguments, noise), arguments, guessed, draft)
            colour = geometry.crop(colour)
        report.almost()

        # 5. Compose at the sketch's own size.
        pictures = to_pil(colour)
        images = [self._compose(picture, drawing, lines) for picture in pictures]
        report()
        self.maybe_free_model_hooks()
        found = {}
        if flats is not None:
            found["parts"] = [map_parts(one, drawing.size) for one in flats]
            found["flats"] = [flat_layer(one, drawing.size) for one in flats]
        images = as_output_type(images, output_type)
        output = SketchColorOutput(images=images, seeds=seeds, **found)
        return output if return_dict else output.to_tuple()

    @torch.no_grad()
    def colour_tensor(
        self,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        palette: PaletteTensors | None = None,
        style: torch.Tensor | None = None,
        generator: Generators = None,
        num_inference_steps: int = DEFAULT_STEPS,
    ) -> torch.Tensor:
        """The models alone, without reading, cleaning or composing; for evaluation.

        Args:
            sketch: B×1×H×W in [-1, 1], sides multiples of what the models ask.
            hints: B×4×H×W hint map.
            palette: B×K×3 colours and B×K weights.
            style: B×C, of :func:`conditions.style.from_pictures`.
            generator: of the noise, one for the batch or one per picture.

        Returns:
            B×3×H×W in [-1, 1].
        """
        self._check_conditions(hints=hints, palette=palette, style=style)
        guessed = palette is None and self._guesses_palettes
        if guessed:
            palette = self.palette_prior.draw(sketch, seeds_of(generator, len(sketch)))
        colors, weights = palette if palette is not None else (None, None)
        told = {"hints": hints, "palette": colors, "weights": weights, "style": style}
        arguments = {"sketch": sketch} | {k: v for k, v in told.items() if v is not None}
        draft = None
        if self._proposes:
            config = self.proposer.config
            side = config.sample_size * config.sketch_scale
            scale = side / (sketch.shape[2] * sketch.shape[3]) ** 0.5
            step = self.proposer.multiple * config.sketch_scale
            target = [max(step, round(s * scale / step) * step) for s in sketch.shape[2:]]
            small = F.interpolate(sketch, target, mode="area")
            given = hints if self.parts is None else None
            given = None if given is None else hint_maps.resize(given, target)
            with autocast(self.proposer, sketch.device.type):
                arguments["proposal"], draft = draw_proposal(
                    self.proposer,
                    self.scheduler,
                    small,
                    None if given is None else hint_field(given, small, config.sketch_scale),
                    colors,
                    weights,
                    guessed,
                    generator,
                    num_inference_steps,
                    self.config.noise_scale,
                    self.config.guidance_scale,
                )
        if self.parts is None:
            return self._hold(self._refine(arguments, generator), arguments, guessed, draft)
        maps = [None] * len(sketch) if hints is None else hints
        drawings = [
            self._read_drawing(page, self.proposer, self.parts, given)
            for page, given in zip(to_pil(sketch), maps, strict=True)
        ]
        size = (sketch.shape[3], sketch.shape[2])
        geometry = Fit(size, size, size)
        return self._colour_by_parts(drawings, draft, arguments, guessed, geometry, generator)[0]

    def _check(self, hints: Any, palette: Any, reference: Any) -> None:
        if palette is not None and reference is not None:
            raise ValueError("Give a palette or a reference picture, not both.")
        self._check_conditions(hints=hints, palette=palette)
        self._check_conditions(**{"style" if "style" in self.conditions else "palette": reference})

    def _check_conditions(self, **given: Any) -> None:
        for name, value in given.items():
            if value is not None and name not in self.conditions:
                raise ValueError(f"This model does not take {name}; use one that does, or none.")

    def _arguments(
        self,
        drawing: Image.Image,
        geometry: Fit,
        page: Image.Image,
        hints: Hints | None,
        tensors: PaletteTensors | None,
        count: int,
        device: torch.device,
    ) -> dict[str, torch.Tensor]:
        """Keyword arguments of the generator, one row per variant."""
        arguments = {"sketch": to_tensor(page)}
        if hints is not None:
            arguments["hints"] = hint_tensor(hints, drawing.size, geometry)
        if tensors is not None:
            arguments |= dict(zip(("palette", "weights"), tensors, strict=True))
        return {k: v.to(device).expand(count, *v.shape[1:]) for k, v in arguments.items()}

    def _propose(
        self,
        drawing: Image.Image,
        hints: Hints | None,
        tensors: PaletteTensors | None,
        guessed: bool,
        seeds: list[int],
        steps: int,
        report: Callable[[], None],
        device: torch.device,
    ) -> tuple[Proposal, Fit]:
        """Proposals, and the geometry of the line art that they were drawn for."""
        config = self.proposer.config
        scale = config.sketch_scale
        page, geometry = stretch(
            drawing, config.sample_size * scale, self.proposer.multiple * scale
        )
        conditions = self._arguments(drawing, geometry, page, hints, tensors, len(seeds), device)
        if "hints" in conditions:
            field = hint_field(conditions["hints"][:1], conditions["sketch"][:1], scale)
            conditions["hints"] = field.expand(len(seeds), *field.shape[1:])
        with autocast(self.proposer, device.type):
            proposal = draw_proposal(
                self.proposer,
                self.scheduler,
                **conditions,
                guessed=guessed,
                generator=[torch.Generator().manual_seed(s) for s in seeds],
                num_inference_steps=steps,
                noise_scale=self.config.noise_scale,
                guidance_scale=self.config.guidance_scale,
                on_step=report,
                known=self._free_colourings,
            )
        return proposal, geometry

    def _colour_by_parts(
        self,
        drawings: list[tuple[DrawingParts, DrawingParts]],
        proposals: torch.Tensor | None,
        arguments: dict[str, torch.Tensor],
        guessed: bool,
        geometry: Fit,
        noise: Generators,
        paint_paper: bool = False,
    ) -> tuple[torch.Tensor, list[Flats]]:
        """B×3×H×W pictures of light over flats, and the flats.

        Args:
            drawings: of a :class:`DrawingReader`.
        """
        parts, seen = (list(one) for one in zip(*drawings, strict=True))
        hints = arguments.get("hints")
        if hints is not None:
            hints = geometry.crop(hints)
        palette = None
        if "palette" in arguments:
            palette = arguments["palette"], arguments["weights"]
        if proposals is None:
            free = draw_colours(self.part_colours, parts, noise, palette, paint_paper)
        else:
            free = colours_of_proposals(parts, proposals, palette, guessed, paint_paper)
        free = [take_over(*one) for one in zip(parts, free, seen, strict=True)]
        networks = self.proposer, self.parts
        flats = with_hints(
            seen, free, hints, paint_paper, lambda *given: read_cells(*given, *networks)
        )
        painted = paint_flats(flats, geometry).to(arguments["sketch"])
        # What was asked for is in the flats.
        seen = {"sketch": arguments["sketch"], "proposal": painted}
        colour = geometry.crop(self._refine(seen, noise).float())
        if not self.config.hold:
            return colour.clamp(-1.0, 1.0), flats
        return light_over(colour, geometry.crop(painted), flats, hints), flats

    def _refine(self, arguments: dict[str, torch.Tensor], noise: Generators) -> torch.Tensor:
        """The generator's B×3×H×W picture.

        It alone is rounded to what the device computes fastest: the proposer's time is small, and
        its colours are to depend on the seed only, not on how many are drawn together.
        """
        device = arguments["sketch"].device.type
        with autocast(self.generator, device, fastest_dtype(device)):
            return self.generator(**arguments, **_noise_argument(self.generator, noise)).image

    def _hold(
        self, colour: torch.Tensor, told: dict[str, Any], guessed: bool, draft: torch.Tensor | None
    ) -> torch.Tensor:
        """The generator's picture, brought to what it was told, if that is to hold."""
        colour = colour.float().clamp(-1.0, 1.0)
        if not self.config.hold:
            return colour
        wishes = {k: told[k] for k in ("sketch", "hints", "palette", "weights") if k in told}
        return hold_wishes(colour, guessed=guessed, draft=draft, **wishes)

    def _compose(self, picture: Image.Image, drawing: Image.Image, lines: str) -> Image.Image:
        if lines == "model":
            return picture.resize(drawing.size, Image.Resampling.BICUBIC)
        return keep_lines(colour_layer(np.asarray(picture), drawing), drawing)


def _noise_argument(model: ModelMixin, generator: Any) -> dict[str, Any]:
    """Only models that draw noise of their own are handed a generator."""
    return {"generator": generator} if getattr(model, "draws_noise", False) else {}
