"""SketchColorPipeline: the one door to the models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from diffusers import ModelMixin, SchedulerMixin
from diffusers.utils import BaseOutput
from PIL import Image

from .calls import Callback, Hints, StepCounter, check_call, hint_layer, hint_page
from .colouring import ColouringMixin
from .conditions import Conditions, Palette, from_image
from .conditions import hints as hint_maps
from .geometry import Fit, fit
from .hub.pretrained import PretrainedPipeline
from .images import as_output_type, read_image, read_sketch, to_pil, to_tensor
from .layers.edits import Edit
from .layers.repaint import apply_edits
from .layers.stack import DPI, LayerStack
from .lineart.cleanup import clean_sketch
from .models import style_vector
from .models.palette_prior import PalettePrior
from .models.part_colours import PartColours
from .models.parts import PartEncoder
from .models.proposer import ColorProposer
from .parts.colouring import PartMap, map_parts
from .postprocess.compose import Borders, keep_lines
from .sampling.proposal import DEFAULT_STEPS
from .sampling.seeds import variant_seeds

__all__ = ["SketchColorOutput", "SketchColorPipeline"]

PaletteTensors = tuple[torch.Tensor, torch.Tensor]


@dataclass
class SketchColorOutput(BaseOutput):
    """What a call returns.

    Attributes:
        images: PIL RGB pictures of the sketch's own size, or a B×H×W×3 array in [0, 1]
            (``"np"``), or a B×3×H×W tensor in [0, 1] (``"pt"``).
        seeds: the seed of each picture.
        parts: of each picture, the part of every pixel and the color and area of every part; None
            from a model without a part encoder.
        flats: PIL RGB pictures of the sketch's size, the parts in their colours without light and
            lines; None from a model without a part encoder.
        layers: of each picture, its flats, shadow, light and lines apart, see
            :func:`layers.files.save_layers`; None from a model without a part encoder, or with the
            model's own lines.
    """

    images: list[Image.Image] | np.ndarray | torch.Tensor
    seeds: list[int]
    parts: list[PartMap] | None = None
    flats: list[Image.Image] | None = None
    layers: list[LayerStack] | None = None


class SketchColorPipeline(ColouringMixin, PretrainedPipeline):
    """Colours line art at its own size, under the artist's own lines.

    What is done depends on the networks that there are:

    - A generator alone paints the picture (the published systems).
    - With a proposer, this draws one of the plausible colourings at low resolution, and the
      generator refines it at working resolution.
    - With a part encoder, the proposal only gives each part its colour. A hint colours the part
      that it is put on, and the generator paints light over the flats.
    - With a network that draws the colours of parts, too, there is no proposal. The proposer's
      features are read by the part encoder (the bundled model).

    The result is composed with the original lines.

    Args:
        generator: colours B×1×H×W line art; its ``conditions`` say what else it takes.
        proposer: velocity network sampled with ``scheduler``, or None.
        scheduler: a flow-matching scheduler, or None.
        palette_prior: draws a palette where none is given, or None.
        parts: part encoder, which tells from the proposer's features which places belong together,
            or None.
        part_colours: draws the colours of all parts together, instead of a proposal, or None.
        noise_scale: times the noise that a proposal starts from; less than 1 trades variety for
            plausible colours.
        guidance_scale: of the proposer's flow, see :func:`sampling.flow.sample_flow`.
        hold: enforce the palette and the hints on the networks' picture; False shows the networks'
            own.
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
        self.clear_caches()
        for component in (generator, proposer, parts, part_colours):
            if component is not None:
                component.eval().to(memory_format=torch.channels_last)

    @property
    def conditions(self) -> tuple[str, ...]:
        """What the models take besides the sketch: ``hints``, ``palette``, ``style``."""
        return tuple(self.generator.conditions)

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
        edits: Sequence[Edit] = (),
    ) -> SketchColorOutput:
        """Colour one sketch.

        Args:
            sketch: path, bytes, file, PIL picture or array; see :func:`images.read_sketch`.
            hints: strokes in pixels of the sketch, or a transparent picture of its size whose
                opaque pixels are hints.
            palette: colours that the picture should keep to.
            reference: a picture whose palette to take, or whose style if that is what the model
                takes; not together with ``palette``.
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
            edits: changes of the colours of parts, made to every picture in their order.

        Returns:
            :class:`SketchColorOutput`, or with ``return_dict=False`` a tuple of what it has.

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
        if edits and (self.parts is None or lines == "model"):
            raise ValueError(
                "Colours of parts are changed under the artist's own lines, and by a model that "
                'knows parts: give no edits, or lines="keep" and such a model.'
            )
        original = read_sketch(sketch)
        drawing = clean_sketch(original) if clean_paper else original
        style = None
        if reference is not None and "style" in self.conditions:
            style = style_vector.from_image(read_image(reference))
        elif reference is not None:
            palette = from_image(read_image(reference))
        seeds = variant_seeds(seed, num_variants)
        report = StepCounter(callback, (num_inference_steps if self._proposes else 0) + 2)

        # 2. Conditions at the network's working resolution.
        page, geometry = fit(drawing, resolution, self.generator.multiple)
        colors, weights = (None, None) if palette is None else palette.to_tensors()
        layer = None if hints is None else hint_layer(hints, drawing.size)
        conditions = Conditions(
            to_tensor(page),
            None if layer is None else hint_page(layer, geometry),
            colors,
            weights,
            style,
        ).expand(num_variants, self._execution_device)

        # 3. Colour.
        drawings = [drawing] * num_variants
        layers = None if layer is None else [layer] * num_variants
        paint_paper = background == "painted"
        colour, flats = self._colour(
            drawings, layers, conditions, geometry, seeds, num_inference_steps, paint_paper, report
        )
        report.almost()

        # 4. Compose at the sketch's own size, and change what is to have other colours.
        pictures = to_pil(colour)
        borders = Borders(drawing, pictures[0].size)
        output = SketchColorOutput(images=[], seeds=seeds)
        if flats is not None:
            output["parts"] = [map_parts(one, borders.lay_labels(one.label)) for one in flats]
            output["flats"] = [one.paint() for one in output["parts"]]
        if lines == "model":
            images = [one.resize(drawing.size, Image.Resampling.BICUBIC) for one in pictures]
        else:
            colours = [borders.lay_colours(np.asarray(picture)) for picture in pictures]
            images = [keep_lines(one, drawing) for one in colours]
            if output.parts is not None:
                dpi = original.info.get("dpi", DPI)
                stacks = [
                    LayerStack(drawing, *one, dpi)
                    for one in zip(colours, output.parts, strict=True)
                ]
                output["layers"] = stacks
        if edits:
            assert output.layers is not None
            output["layers"] = stacks = [apply_edits(one, edits) for one in output.layers]
            output["parts"] = [one.parts for one in stacks]
            output["flats"] = [one.parts.paint() for one in stacks]
            images = [one.picture for one in stacks]
        output["images"] = as_output_type(images, output_type)
        report()
        self.maybe_free_model_hooks()
        return output if return_dict else output.to_tuple()

    @torch.no_grad()
    def colour_tensor(
        self,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        palette: PaletteTensors | None = None,
        style: torch.Tensor | None = None,
        seeds: Sequence[int] | None = None,
        num_inference_steps: int = DEFAULT_STEPS,
    ) -> torch.Tensor:
        """Colour a batch of sketches of one size, as a call does, without composing.

        Nothing is read, cleaned, scaled or laid under the artist's lines: what comes back is what
        a call composes. For evaluation.

        Args:
            sketch: B×1×H×W in [-1, 1], sides multiples of ``generator.multiple``.
            hints: B×4×H×W hint map.
            palette: B×K×3 colours and B×K weights.
            style: B×C, of :func:`models.style_vector.from_pictures`.
            seeds: B of them; None draws some.
            num_inference_steps: of the proposer.

        Returns:
            B×3×H×W in [-1, 1].

        Raises:
            ValueError: the model does not take a condition.
        """
        self._check_conditions(hints=hints, palette=palette, style=style)
        colors, weights = (None, None) if palette is None else palette
        conditions = Conditions(sketch, hints, colors, weights, style)
        layers = None if hints is None else [hint_maps.to_layer(one) for one in hints]
        seeds = variant_seeds(None, len(sketch)) if seeds is None else list(seeds)
        size = (sketch.shape[3], sketch.shape[2])
        geometry = Fit(size, size, size)
        drawings = to_pil(sketch)
        return self._colour(drawings, layers, conditions, geometry, seeds, num_inference_steps)[0]

    def _check(self, hints: Any, palette: Any, reference: Any) -> None:
        if palette is not None and reference is not None:
            raise ValueError("Give a palette or a reference picture, not both.")
        self._check_conditions(hints=hints, palette=palette)
        self._check_conditions(**{"style" if "style" in self.conditions else "palette": reference})

    def _check_conditions(self, **given: Any) -> None:
        for name, value in given.items():
            if value is not None and name not in self.conditions:
                raise ValueError(f"This model does not take {name}; use one that does, or none.")
