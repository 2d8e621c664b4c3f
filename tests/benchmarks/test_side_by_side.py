"""All systems beside each other, at a size that a test can pay for."""

import importlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from accelerate.state import AcceleratorState, GradientState
from huggingface_hub import ModelCard
from PIL import Image

from sketchcolor.training.recipes import RECIPES
from tests.support import ROOT
from tests.support.pictures import write_pictures
from tests.support.training import SMALL, SMALL_DISCRIMINATORS


@pytest.fixture
def bench(monkeypatch):
    """The benchmark with every network tiny; how it trains and measures is as always."""
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(ROOT)
    for name, config in SMALL.items():
        recipe = RECIPES[name]
        tiny = replace(
            recipe,
            model_config=recipe.model_config | config,
            discriminator_config=recipe.discriminator_config | SMALL_DISCRIMINATORS.get(name, {}),
            train_batch_size=2,
        )
        monkeypatch.setitem(RECIPES, name, tiny)
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    return importlib.import_module("benchmarks.side_by_side")


@pytest.fixture
def arguments(tmp_path, vgg_file, sketch_file) -> dict[str, Path | int]:
    data, sketches = tmp_path / "data", tmp_path / "sketches"
    for folder in (data, sketches, tmp_path / "cards"):
        folder.mkdir()
    write_pictures(data / "train-0.parquet", 6)
    write_pictures(data / "validation-0.parquet", 4)
    shutil.copy(sketch_file, sketches)
    places = {"data": data, "sketches": sketches, "vgg19": vgg_file, "cards": tmp_path / "cards"}
    places |= {"runs": tmp_path / "runs", "output": tmp_path / "table.json"}
    return places | {"resolution": 64, "images": 8, "minutes": 0, "evaluated": 3}


def spell(arguments: dict[str, Path | int]) -> list[str]:
    return [part for name, value in arguments.items() for part in (f"--{name}", str(value))]


def test_one_command_trains_measures_and_shows_all_and_goes_on_where_it_stopped(
    bench, arguments, monkeypatch, capsys
):
    bench.main(spell(arguments))
    report = json.loads(arguments["output"].read_text())
    settings = {"resolution": 64, "images": 8, "minutes": 0.0, "evaluated": 3, "seed": 0}
    assert report["settings"] == settings
    systems = {entry["model"]: entry for entry in report["systems"]}
    assert tuple(systems) == bench.SYSTEMS
    for name, entry in systems.items():
        runs = [record["training"] for record in entry["training"].values()]
        assert sum(run["images"] for run in runs) == 8, name
        assert all(run["parameters"] > 0 and run["seconds"] > 0 for run in runs)
        assert entry["settings"]["side"] == 64 and entry["settings"]["images"] == 3
        assert {"psnr", "vgg19_fid"} <= entry["protocols"]["automatic"].keys()
    takes_hints = {name for name, entry in systems.items() if "hints_5" in entry["protocols"]}
    assert takes_hints == {"sgru-hint", "auto-painter", "whiteout-hint", "sketchcolor"}
    referred = {name for name, entry in systems.items() if "own_reference" in entry["protocols"]}
    assert referred == {"style-guided", "palette-attention", "sketchcolor"}
    # With hints enforced, the painted pixels have the hints' colours; without, nearly never.
    for name in takes_hints:
        assert systems[name]["finished"]["hints_5"]["hint_delta_e"] < 1, name
    alone = {name: systems[name]["protocols"]["hints_5"]["hint_delta_e"] for name in takes_hints}
    assert all(alone[name] > 5 for name in takes_hints - {"sketchcolor"}), alone
    own = {name for name, entry in systems.items() if "own" in entry}
    assert own == {"sgru-hint", "auto-painter", "whiteout-hint"}
    assert "psnr" in systems["whiteout-hint"]["own"]["own_hints"]
    flagship = systems["sketchcolor"]["training"]
    assert [flagship[role]["training"]["images"] for role in ("proposer", "generator")] == [6, 2]
    table = arguments["output"].with_suffix(".md").read_text()
    assert all(f"| `{name}` |" in table for name in bench.SYSTEMS)
    assert table in capsys.readouterr().out

    runs = arguments["runs"]
    assert not list(runs.rglob("checkpoint-*"))
    assert (runs / "pix2pix" / "generator" / "validation.png").is_file()
    sheet = np.asarray(Image.open(runs / "sheet.jpg"))
    assert sheet.shape == (2 * bench.TILE, (len(bench.SYSTEMS) + 1) * bench.TILE, 3)
    cards = {path.stem for path in arguments["cards"].iterdir()}
    assert cards == set(bench.SYSTEMS) - {"sketchcolor"}
    card = ModelCard.load(arguments["cards"] / "pix2pix.md")
    psnr = systems["pix2pix"]["protocols"]["automatic"]["psnr"]
    found = {(r.dataset_config, r.metric_type): r.metric_value for r in card.data.eval_results}
    assert found["automatic", "psnr"] == pytest.approx(psnr, abs=1e-4)
    assert f"{psnr:.2f}" in card.text and "6 colour pictures" in card.text
    assert "The pictures that you make with it are yours" in card.text
    assert str(arguments["data"]) not in card.content

    # Of what is finished nothing is done again; what is missing is.
    (runs / "sgru" / "result.json").unlink()
    trained = []
    monkeypatch.setattr(bench.train_accelerate, "main", trained.append)
    beside = ["--beside", str(runs / "pix2pix" / "pipeline")]
    bench.main([*spell(arguments), *beside])
    assert not trained
    again = json.loads(arguments["output"].read_text())
    *systems, as_it_is = again["systems"]
    assert systems == report["systems"]
    assert as_it_is["model"] == "pipeline, as it is" and "training" not in as_it_is
    trained_here = next(entry for entry in systems if entry["model"] == "pix2pix")
    assert as_it_is["protocols"] == trained_here["protocols"]  # pix2pix takes no hints to enforce
    rows = arguments["output"].with_suffix(".md").read_text().splitlines()
    (summary,) = [row for row in rows if row.startswith("| `pipeline, as it is`")]
    assert f"| {trained_here['protocols']['automatic']['psnr']:.2f} |" in summary


def test_the_text_shows_what_was_measured(bench):
    report = json.loads((ROOT / "benchmarks" / "side_by_side.json").read_text())
    text = (ROOT / "docs" / "measuring.md").read_text()
    assert {entry["model"] for entry in report["systems"]} >= set(bench.SYSTEMS)
    assert bench.summary_tables(report["systems"]) in text
    for entry in report["systems"]:
        if "training" in entry and entry["model"] != bench.FLAGSHIP:
            card = ModelCard.load(ROOT / "model_cards" / f"{entry['model']}.md")
            (found,) = {
                result.metric_value
                for result in card.data.eval_results
                if (result.dataset_config, result.metric_type) == ("automatic", "psnr")
            }
            measured = entry["protocols"]["automatic"]["psnr"]
            assert found == pytest.approx(measured, abs=1e-4)


def test_a_folder_of_other_settings_is_refused(bench, arguments):
    arguments["runs"].mkdir()
    other = {"resolution": 256, "images": 8, "minutes": 0.0, "evaluated": 3, "seed": 0}
    (arguments["runs"] / "settings.json").write_text(json.dumps(other))
    with pytest.raises(SystemExit, match="name another --runs"):
        bench.main(spell(arguments))


def test_a_fast_system_is_trained_on_more_pictures_until_the_minutes_are_over(
    bench, tmp_path, monkeypatch
):
    asked = []

    def train(args) -> None:
        """Ten pictures a second; what is left to do is more than the first time tells."""
        images = args.max_train_steps * RECIPES["pix2pix"].train_batch_size
        asked.append(images)
        training = {"images": images, "seconds": images / 10 + 3, "validation_seconds": 3}
        (args.output_dir / "recipe.json").write_text(json.dumps({"training": training}))

    monkeypatch.setattr(bench.train_accelerate, "main", train)
    settings = bench.Settings(64, 8, 0.5, 3, 0)
    runs = bench.Bench(settings, tmp_path, tmp_path, tmp_path, "no")
    record = runs.train("pix2pix", tmp_path, 1.0)
    assert asked == [8, 240, 300]  # a first second is not measured more finely
    assert record["training"]["images"] == 300
    assert runs.train("pix2pix", tmp_path, 1.0) == record and len(asked) == 3
