"""Sessions: saving and loading loses nothing, and broken files raise a clear error."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketchcolor import session as sessions
from sketchcolor.conditions import Palette, Stroke
from sketchcolor.session import Session, SessionError, model_name

RESOLUTION = 96


@pytest.fixture
def session(example_sketch) -> Session:
    layer = Image.new("RGBA", example_sketch.size, (0, 0, 0, 0))
    ImageDraw.Draw(layer).ellipse((120, 80, 150, 110), (255, 0, 0, 255))
    weights = np.array([0.7, 0.3], np.float32)
    return Session(
        sketch=example_sketch,
        seed=7,
        strokes=[Stroke("#00a0ff", 9.5, [(20.0, 30.0), (60.5, 33.25)])],
        layer=layer,
        palette=Palette(np.array([[250, 220, 200], [30, 60, 90]], np.uint8), weights),
        resolution=RESOLUTION,
        keep_lines=False,
        clean_paper=False,
        paint_background=True,
        model="owner/model",
        revision="0" * 40,
    )


def edited(session: Session, **parts) -> str:
    return json.dumps(json.loads(session.to_json()) | parts)


def test_every_part_survives_the_file(session, tmp_path):
    session.save(tmp_path / "girl.json")
    loaded = Session.load(tmp_path / "girl.json")
    settings = ("seed", "resolution", "keep_lines", "clean_paper", "paint_background")
    for name in (*settings, "model", "revision"):
        assert getattr(loaded, name) == getattr(session, name)
    for name in ("sketch", "layer"):
        ours, theirs = getattr(session, name), getattr(loaded, name)
        assert (ours.mode, ours.tobytes()) == (theirs.mode, theirs.tobytes())
    assert [s.to_dict() for s in loaded.strokes] == [s.to_dict() for s in session.strokes]
    assert np.array_equal(loaded.palette.colors, session.palette.colors)
    assert np.array_equal(loaded.palette.weights, session.palette.weights)
    assert loaded.to_json() == session.to_json()


def test_a_session_needs_only_sketch_and_seed(example_sketch):
    loaded = Session.from_json(Session(example_sketch, seed=1).to_json())
    assert loaded.strokes is loaded.layer is loaded.palette is loaded.hints is None
    assert loaded.arguments()["lines"] == "keep"
    assert loaded.arguments()["background"] == "paper"


def test_an_old_file_without_a_background_leaves_it_white(session):
    assert Session.from_json(session.to_json()).arguments()["background"] == "painted"
    parts = json.loads(session.to_json())
    del parts["paint_background"]
    old = Session.from_json(json.dumps(parts))
    assert old.arguments()["background"] == "paper"
    assert old.to_json() == replace(session, paint_background=False).to_json()


def test_same_file_same_picture(session, tiny_pipeline):
    text = session.to_json()
    pictures = [
        tiny_pipeline(**Session.from_json(text).arguments()).images[0].tobytes() for _ in range(2)
    ]
    assert pictures[0] == pictures[1]
    assert pictures[0] == tiny_pipeline(**session.arguments()).images[0].tobytes()
    other = Session.from_json(edited(session, seed=8))
    assert pictures[0] != tiny_pipeline(**other.arguments()).images[0].tobytes()


def test_the_layer_is_drawn_over_the_strokes(session):
    hints = session.hints
    assert hints.size == session.sketch.size
    assert hints.getpixel((40, 31)) == (0, 160, 255, 255)
    assert hints.getpixel((135, 95)) == (255, 0, 0, 255)
    assert hints.getpixel((5, 5))[3] == 0
    covered = Session(session.sketch, 1, [Stroke("#0000ff", 40, [(135, 95)])], session.layer).hints
    assert covered.getpixel((135, 95)) == (255, 0, 0, 255)
    assert covered.getpixel((135, 113)) == (0, 0, 255, 255)


def test_another_model_is_named_in_one_sentence(session, tiny_pipeline):
    tiny_pipeline.model_id, tiny_pipeline.revision = "bundled", None
    assert session.model_note(tiny_pipeline) == (
        f"This session was made with the model owner/model at {'0' * 40} and is coloured here by "
        "bundled, so the picture may differ."
    )
    tiny_pipeline.model_id, tiny_pipeline.revision = session.model, session.revision
    assert session.model_note(tiny_pipeline) is None


def test_the_path_of_a_model_is_not_saved(tiny_pipeline, tmp_path):
    (tmp_path / "mine").mkdir()
    tiny_pipeline.model_id = str(tmp_path / "mine")
    assert model_name(tiny_pipeline) == "mine"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b"[" * 100_000, b'{"format": "painting"}'],
)
def test_a_file_that_is_no_session_is_refused(content):
    with pytest.raises(SessionError, match="^The file is no sketchcolor session; .*[.]$"):
        Session.from_json(content)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"version": 2}, "version 2"),
        ({"version": None}, "version None"),
        ({"sketch": None}, "its sketch"),
        ({"sketch": "not base64!"}, "its sketch"),
        ({"sketch": "AAAA"}, "its sketch"),
        ({"layer": "AAAA"}, "its hint layer"),
        ({"layer": 5}, "its hint layer"),
        ({"seed": "7"}, "its seed"),
        ({"seed": True}, "its seed"),
        ({"resolution": 1.5}, "its resolution"),
        ({"keep_lines": 1}, "its keep lines"),
        ({"paint_background": None}, "its paint background"),
        ({"model": None}, "its model"),
        ({"model": {"id": 4}}, "its id"),
        ({"strokes": [{"color": "red"}]}, "its strokes"),
        ({"strokes": 4}, "its strokes"),
        ({"strokes": {"a": 1}}, "its strokes"),
        ({"palette": {"colors": ["nope"], "weights": [1]}}, "its palette"),
        ({"palette": {"colors": [], "weights": []}}, "its palette"),
        ({"palette": {"colors": ["#ff0000"], "weights": [1, 2]}}, "its palette"),
        ({"palette": {"colors": ["#ff0000"], "weights": [float("nan")]}}, "its palette"),
        ({"palette": {"colors": ["#ff0000"], "weights": [0]}}, "its palette"),
        ({"palette": ["#ff0000"]}, "its palette"),
    ],
)
def test_a_broken_part_is_named(session, parts, sentence):
    with pytest.raises(SessionError, match=sentence):
        Session.from_json(edited(session, **parts))


def test_a_layer_of_another_size_is_refused(session):
    small = Session(session.sketch.resize((100, 100)), 1, layer=Image.new("RGBA", (100, 100)))
    layer = json.loads(small.to_json())["layer"]
    with pytest.raises(SessionError, match="100×100 px and its sketch 300×360 px"):
        Session.from_json(edited(session, layer=layer))


def test_sizes_are_limited(session, monkeypatch, tmp_path):
    strokes = [{"color": "#ff0000", "width": 3, "points": [[1, 1]] * 3}]
    monkeypatch.setattr(sessions, "MAX_POINTS", 2)
    with pytest.raises(SessionError, match="more than"):
        Session.from_json(edited(session, strokes=strokes))
    session.save(tmp_path / "girl.json")
    monkeypatch.setattr(sessions, "MAX_BYTES", 100)
    with pytest.raises(SessionError, match="at most"):
        Session.load(tmp_path / "girl.json")
    with pytest.raises(SessionError, match="larger than"):
        session.to_json()


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SessionError, match="'nowhere.json' cannot be opened"):
        Session.load(tmp_path / "nowhere.json")
