"""Model cards: the text that people wrote, the numbers that were measured, the code to load it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

LICENCE = "apache-2.0"
TAGS = ["line-art", "anime", "colorization"]

METRICS = {  # what of a measurement goes into a card → how people call it
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "colourfulness": "colourfulness",
    "vgg19_fid": "Fréchet distance of VGG-19 features",
    "vgg19_kid": "kernel distance of VGG-19 features",
    "hint_delta_e": "median CIEDE2000 difference at hints",
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

RUN_TEXT = """\
# {{ name }}

Trained by sketchcolor's `train_accelerate.py` with the recipe `{{ recipe.name }}`
({{ recipe.source }}).

| | |
|---|---|
| updates | {{ "{:,}".format(training.step) }} |
| pictures seen | {{ "{:,}".format(training.images) }} |
| seconds | {{ "{:,.0f}".format(training.seconds) }} on {{ training.device }} |
| seed | {{ training.seed }} |
{%- for setting in ("resolution", "train_batch_size", "learning_rate", "adversarial") %}
| {{ setting }} | {{ recipe[setting] }} |
{%- endfor %}
{% if started_from %}
It started from the weights of another run, which had seen
{{ "{:,}".format(started_from.training.images) }} pictures.
{% endif %}
`recipe.json` holds all settings. The pictures that it was trained on are other people's work and
not part of this repository.
{% if sheet %}
![Sketch, colouring, colouring with hints, truth]({{ sheet }})
{% endif %}
{{ use }}"""


def bundled_card(
    text: Path, repo: str, network: str | None, tag: str, measured: Iterable[dict]
) -> str:
    """The card of a model that comes with the package.

    Args:
        text: the card that people wrote; what it says of itself is kept.
        repo: ``owner/name`` where it will be.
        network: class of the one network that it is; None for a whole pipeline.
        tag: the version that it will have there.
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
        repo: ``owner/name`` where it will be.
        network: class of the one network that it is; None for a whole pipeline.
        dataset: Hub id of what it was trained on, if that is on the Hub.
        sheet: path there of a sheet of validation pictures, if there is one.

    Returns:
        The card with its metadata.
    """
    name = repo.partition("/")[2]
    data = ModelCardData(
        license=LICENCE,
        library_name="diffusers",
        pipeline_tag="image-to-image",
        tags=TAGS,
        datasets=[dataset] if dataset else None,
        model_name=name,
        eval_results=[
            _result("validation sheet", {}, "psnr", metric.replace("_", " "), value)
            for metric, value in record.get("validation", {}).items()
        ]
        or None,
    )
    card = ModelCard.from_template(
        data,
        template_str="---\n{{ card_data }}\n---\n\n" + RUN_TEXT,
        name=name,
        sheet=sheet,
        use=_use(repo, network),
        **record,
    )
    return f"{str(card).rstrip()}\n"


def _use(repo: str, network: str | None, tag: str | None = None) -> str:
    """How to load what a repository holds, at a version if it has one."""
    revision = f', revision="{tag}"' if tag else ""
    text = USE_NETWORK if network else USE_PIPELINE
    return text.format(repo=repo, network=network, revision=revision)


def _results(entry: dict) -> Iterator[EvalResult]:
    """A measured model's numbers, for every protocol that was run."""
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
