"""Are wishes obeyed? Leak of hints, nearness of outputs to palettes, and how long a wish takes.

``python -m benchmarks.conditions --data ../shared/data -o benchmarks/conditions.json``

The protocols are those of ``python -m sketchcolor evaluate``; here they are run for the networks
alone too, and beside the times.
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

WISHES = ("stroke", *REFERENCES)  # protocols


def measure_wishes(
    pipeline: SketchColorPipeline, images: list[Image.Image]
) -> dict[str, dict[str, dict]]:
    """The protocols with wishes, of the networks alone and as visitors get them."""
    found = {}
    for name, hold in (("networks", False), ("pipeline", True)):
        pipeline.register_to_config(hold=hold)
        protocols = evaluate(pipeline, images, samples=1, hint_counts=(1,))["protocols"]
        found[name] = {wish: protocols[wish] for wish in WISHES}
        for measures in found[name].values():
            measures.pop("per_image", None)
    return found


def measure_waits(pipeline: SketchColorPipeline, side: int = 512) -> dict[str, float]:
    """Seconds from a wish to the picture of a side×side sketch, for each kind of wish."""
    sketch = drawing((side, side))
    stroke = {"color": "#d93a2f", "width": side / 50, "points": [(side / 2, side / 2)]}
    wishes = {
        "automatic": {},
        "stroke": {"hints": [stroke]},
        "palette": {"palette": built_in(BUILT_IN[0])},
        "four_variants": {"num_variants": 4},
    }
    numbers = count()

    def colour(**wish) -> None:
        # A stroke finds the sketch cleaned and coloured without it; all else is new every time.
        number = 0 if "hints" in wish else next(numbers)
        sketch.putpixel((0, 0), number % 256)
        pipeline(sketch, resolution=side, seed=MAX_VARIANTS * number, **wish)

    return {kind: median_seconds(partial(colour, **wish)) for kind, wish in wishes.items()}


def main() -> None:
    args = read_arguments(__doc__)
    pipeline = load_pipeline(args.model)
    images = validation_pictures(args.data, args.count)
    report = {"model": pipeline.model_id, "revision": pipeline.revision}
    report["seconds_at_512"] = measure_waits(pipeline)
    report |= measure_wishes(pipeline, images)
    args.output.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
