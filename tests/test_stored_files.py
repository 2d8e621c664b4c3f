"""Files that earlier versions wrote are still read: sessions, and models as they were published.

``stored/`` has what the version before the packages wrote, byte for byte.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from sketchcolor import load_pipeline
from sketchcolor.session import Session

STORED = Path(__file__).parent / "stored"


@pytest.fixture
def session() -> Session:
    return Session.load(STORED / "session.json")


def test_a_stored_session_has_all_that_it_was_saved_with(session):
    assert session.sketch.size == session.layer.size == (64, 80)
    assert (session.seed, session.resolution) == (7, 128)
    (stroke,) = session.strokes
    assert stroke.to_dict() == {
        "color": "#00a0ff",
        "width": 4.0,
        "points": [[20.0, 30.0], [30.5, 33.25]],
    }
    assert session.palette.to_hex() == ["#fadcc8", "#1e3c5a"]
    assert session.arguments()["background"] == "paper"
    # What was added since has its default.
    stored = json.loads((STORED / "session.json").read_text())
    assert json.loads(session.to_json()) == stored | {"edits": []}


def test_a_stored_session_is_coloured(session, tiny_pipeline):
    picture = tiny_pipeline(**session.arguments()).images[0]
    assert picture.size == (64, 80)
    assert np.asarray(picture)[(np.asarray(session.sketch) == 0)].max() == 0


def test_a_published_model_is_read_without_running_its_code(session, tiny_parts_pipeline, tmp_path):
    """Its index names classes by code files, which are for people without this package."""
    pipeline = tiny_parts_pipeline
    pipeline.save_pretrained(str(tmp_path))
    index = json.loads((STORED / "published_index.json").read_text())
    written = json.loads((tmp_path / "model_index.json").read_text())
    assert written.keys() == index.keys()
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    for name, entry in index.items():
        if isinstance(entry, list) and entry[0] == name:
            (tmp_path / name / f"{name}.py").write_text("raise AssertionError('code was run')\n")
    (tmp_path / "pipeline.py").write_text("raise AssertionError('code was run')\n")
    loaded = load_pipeline(tmp_path, device="cpu")
    assert type(loaded.parts).__module__ == "sketchcolor.models.parts"
    ours, theirs = (one(**session.arguments()).images[0] for one in (pipeline, loaded))
    assert np.abs(np.asarray(ours).astype(int) - np.asarray(theirs)).max() <= 2
