"""Model cards: text, measured results as metadata, and the code to load the model."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

LICENCE = "apache-2.0"
TAGS = ["line-art", "anime", "colorization"]

METRICS = {  # keys of measurements that go into a card → their names there
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "colourfulness": "colourfulness",
    "vgg19_fid": "Fréchet distance of VGG-19 features",
    "vgg19_kid": "kernel distance of VGG-19 features",
    "hint_delta_e": "median CIEDE2000 difference at hints",
    "leak": "CIEDE2000 change outside of a stroke's region",
    "palette_distance": "CIEDE2000 difference from the reference's palette",
}

USE_PIPELINE = """\
## Use

```python
from sketchcolor import load_pipeline

pipeline = load_pipeline("{repo}"{revision})
pipeline("sketch.png", seed=7).images[0].save("colored.png")
```

Without the sketchcolor package, diffusers can run the code that this repository carries
(`pipeline.py`: read it first). It needs `accelerate`, `opencv-python-headless`, `scikit-learn` and
`scipy` besides diffusers and PyTorch. diffusers asks the Hub for such code each time: to work
offline, load the folder that `huggingface_hub.snapshot_download("{repo}"{revision})` returns.

```python
from diffusers import DiffusionPipeline

pipeline = DiffusionPipeline.from_pretrained("{repo}"{revision}, trust_remote_code=True)
```
"""

USE_NETWORK = """\
## Use

```python
from sketchcolor.models import {network}

network = {network}.from_pretrained("{repo}"{revision})
```
"""

USE_TRAINED = """\
## Use

Its weights are not in this repository; this makes them again:

```bash
{command}
```
"""

RUN_TEXT = """\
# {{ name }}

Colours line art. Trained by sketchcolor's `train_accelerate.py` with the recipe
`{{ recipe.name }}` ({{ recipe.source }}).

## Data and rights

{{ data }}
The pictures are other people's work, used to train and to measure, and not part of this repository.
{%- if line_art %}
{{ line_art }}
{%- endif %}

## How it was trained

| | |
|---|---|
| updates | {{ "{:,}".format(training.step) }} |
| pictures seen | {{ "{:,}".format(training.images) }} |
| seconds | {{ "{:,.0f}".format(training.seconds) }} on {{ training.hardware or training.device }} |
{%- if training.parameters %}
| parameters | {{ "{:,}".format(training.parameters) }} |
{%- endif %}
| seed | {{ training.seed }} |
{%- for setting in ("resolution", "train_batch_size", "learning_rate", "adversarial") %}
| {{ setting }} | {{ recipe[setting] }} |
{%- endfor %}
{% if started_from %}
It started from the weights of another run, which was trained on
{{ "{:,}".format(started_from.training.images) }} pictures.
{% endif %}
<details><summary>All settings</summary>

```json
{{ settings }}
```

</details>
{% if sheet %}
![Sketch, colouring, colouring with hints, style or palette if it takes any, truth]({{ sheet }})
{% endif %}
{%- if numbers %}
## Measured

{{ numbers }}
{% endif %}
## Intended use, limits

Colouring line art of characters, as a draft to paint over or as a finished flat. Not for deciding
anything about people.

- Collections of anime pictures show mostly young, light-skinned characters, more women than men.
  Left to itself, what was trained on them gives such skin to everybody.
- A colouring is a guess, and the colours of what is rare in the pictures are bad guesses.

## Licence

Apache-2.0, weights included. The pictures that you make with it are yours, commercial use included.

{{ use }}"""


def bundled_card(
    text: Path, repo: str, network: str | None, tag: str, measured: Iterable[dict]
) -> str:
    """The card of a model that comes with the package.

    Args:
        text: the hand-written card; its own metadata are preserved.
        repo: ``owner/name``, where it will be published.
        network: class of a single network; None for a whole pipeline.
        tag: of the version that will be published.
        measured: entries of ``benchmarks/evaluation.json`` about this model.

    Returns:
        The card with its metadata.
    """
    card = ModelCard.load(text)
    card.data.model_name = repo.partition("/")[2]
    card.data.eval_results = [result for entry in measured for result in _results(entry)] or None
    return f"{str(card).rstrip()}\n\n{_use(repo, network, tag)}"


def run_card(
    record: dict,
    repo: str,
    network: str | None = None,
    dataset: str | None = None,
    sheet: str | None = None,
) -> str:
    """The card of a training run.

    Args:
        record: the run's ``recipe.json``.
        repo: ``owner/name``, where it will be published.
        network: class of a single network; None for a whole pipeline.
        dataset: Hub id of the training data, if they are on the Hub.
        sheet: path in the repository of a sheet of validation pictures, if there is one.

    Returns:
        The card with its metadata.
    """
    data = f"The pictures of the dataset `{dataset}`." if dataset else "Colour pictures."
    use = _use(repo, network)
    results = [
        _result("validation sheet", {}, _metric_type(metric), metric.replace("_", " "), value)
        for metric, value in record.get("validation", {}).items()
    ]
    return _card(record, repo.partition("/")[2], data, use, results, dataset=dataset, sheet=sheet)


def system_card(entry: dict, numbers: str, data: str, command: str) -> str:
    """The card of a system of the side-by-side comparison.

    Args:
        entry: of ``benchmarks/side_by_side.json``.
        numbers: its results as Markdown, with the protocol.
        data: one sentence on the training data.
        command: that reproduces its weights.

    Returns:
        The card with its metadata.
    """
    use = USE_TRAINED.format(command=command)
    record, results = entry["training"]["generator"], list(_results(entry))
    record = {"data": {"line_art": "extracted"}} | record  # that of older entries has no word on it
    return _card(record, entry["model"], data, use, results, numbers=numbers)


def _card(
    record: dict,
    name: str,
    data: str,
    use: str,
    results: list[EvalResult],
    dataset: str | None = None,
    sheet: str | None = None,
    numbers: str | None = None,
) -> str:
    """Fills in `RUN_TEXT` and adds the metadata."""
    card_data = ModelCardData(
        license=LICENCE,
        library_name="diffusers",
        pipeline_tag="image-to-image",
        tags=TAGS,
        datasets=[dataset] if dataset else None,
        model_name=name,
        eval_results=results or None,
    )
    card = ModelCard.from_template(
        card_data,
        template_str="---\n{{ card_data }}\n---\n\n" + RUN_TEXT,
        name=name,
        data=data,
        sheet=sheet,
        numbers=numbers,
        settings=json.dumps(record["recipe"], indent=2),
        use=use,
        line_art=_line_art(record),
        **{name: value for name, value in record.items() if name != "data"},
    )
    return f"{str(card).rstrip()}\n"


def _line_art(record: dict) -> str:
    """A sentence on where a run's line art came from; empty if its record does not say it."""
    extractor = record["recipe"]["lineart"]
    by = "several extractors" if extractor == "random" else f"the extractor `{extractor}`"
    sentences = {
        "extracted": f"Line art was extracted from them while training, by {by}.",
        "drawn": "Line art was not extracted: each picture has a sketch of its own beside it.",
        "mixed": (
            "Some pictures have a drawn sketch beside them. From the others line art was extracted "
            f"while training, by {by}."
        ),
    }
    return sentences.get(record.get("data", {}).get("line_art"), "")


def _metric_type(name: str) -> str:
    """The metric of a validation's key; the suffixes are of colourings with a condition."""
    return name.removeprefix("validation_").removesuffix("_conditioned").removesuffix("_wished")


def _use(repo: str, network: str | None, tag: str | None = None) -> str:
    """Instructions to load a repository's pipeline or network, at a tag if there is one."""
    revision = f', revision="{tag}"' if tag else ""
    text = USE_NETWORK if network else USE_PIPELINE
    return text.format(repo=repo, network=network, revision=revision)


def _results(entry: dict) -> Iterator[EvalResult]:
    """Results of a measured model under all its protocols."""
    for protocol, values in entry["protocols"].items():
        for metric, name in METRICS.items():
            if metric in values:
                yield _result(protocol, entry["settings"], metric, name, values[metric])


def _result(protocol: str, settings: dict, metric: str, name: str, value: float) -> EvalResult:
    return EvalResult(
        task_type="image-to-image",
        task_name="line art colorization",
        dataset_type="anime-pictures",
        dataset_name="anime pictures never trained on",
        dataset_config=protocol,
        dataset_split="validation",
        dataset_args=settings or None,
        metric_type=metric,
        metric_name=name,
        metric_value=round(value, 4),
    )
