"""How well outputs follow hints and palettes, and how long a colouring with each of them takes.

``python -m benchmarks.conditions --data pictures -o benchmarks/conditions.json``

The protocols are those of ``python -m sketchcolor evaluate``. Here they are also run for the
networks alone, without the post-processing that enforces hints and palettes.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import count

from PIL import Image

from benchmarks.inference import drawing
from benchmarks.machine import median_seconds
from benchmarks.pictures import read_arguments, validation_pictures
from sketchcolor import load_pipeline
from sketchcolor.calls import MAX_VARIANTS
from sketchcolor.conditions.palette_files import BUILT_IN, built_in
from sketchcolor.evaluation.evaluate import REFERENCES, evaluate
from sketchcolor.pipeline import SketchColorPipeline

PROTOCOLS = ("stroke", *REFERENCES)


def measure_conditions(
    pipeline: SketchColorPipeline, images: list[Image.Image]
) -> dict[str, dict[str, dict]]:
    """The scores of all `PROTOCOLS`, for the networks alone and for the whole pipeline."""
    found = {}
    for name, hold in (("networks", False), ("pipeline", True)):
        pipeline.register_to_config(hold=hold)
        protocols = evaluate(pipeline, images, samples=1, hint_counts=(1,))["protocols"]
        found[name] = {protocol: protocols[protocol] for protocol in PROTOCOLS}
        for measures in found[name].values():
            measures.pop("per_image", None)
    return found


def measure_waits(pipeline: SketchColorPipeline, side: int = 512) -> dict[str, float]:
    """Seconds that colouring a side×side sketch takes, without and with each kind of condition."""
    sketch = drawing((side, side))
    stroke = {"color": "#d93a2f", "width": side / 50, "points": [(side / 2, side / 2)]}
    conditions = {
        "automatic": {},
        "stroke": {"hints": [stroke]},
        "palette": {"palette": built_in(BUILT_IN[0])},
        "four_variants": {"num_variants": 4},
    }
    numbers = count()

    def colour(**condition) -> None:
        # The pipeline keeps results for a sketch that it has seen. A visitor paints strokes on such
        # a sketch; in all other cases the sketch is a new one every time.
        number = 0 if "hints" in condition else next(numbers)
        sketch.putpixel((0, 0), number % 256)
        pipeline(sketch, resolution=side, seed=MAX_VARIANTS * number, **condition)

    return {name: median_seconds(partial(colour, **each)) for name, each in conditions.items()}


def main() -> None:
    args = read_arguments(__doc__)
    pipeline = load_pipeline(args.model)
    images = validation_pictures(args.data, args.count)
    report = {"model": pipeline.model_id, "revision": pipeline.revision}
    report["seconds_at_512"] = measure_waits(pipeline)
    report |= measure_conditions(pipeline, images)
    args.output.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
