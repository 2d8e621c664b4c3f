"""Palettes and hints as files, and the commands that take them."""

import json

import numpy as np
import pytest
from PIL import Image

from sketchcolor.cli.main import main
from sketchcolor.conditions import Palette, Stroke, from_image, from_strokes
from sketchcolor.conditions.hint_files import load_hints, save_strokes
from sketchcolor.conditions.palette_files import (
    BUILT_IN,
    PaletteError,
    built_in,
    load_palette,
    save_palette,
)

STROKE = Stroke("#c02020", 12, [(150, 60), (170, 70)])


@pytest.fixture
def palette() -> Palette:
    colors = np.array([[200, 30, 30], [20, 40, 220], [250, 250, 240]], np.uint8)
    return Palette(colors, np.array([0.6, 0.3, 0.1], np.float32))


@pytest.mark.parametrize("ending", [".gpl", ".json"])
def test_a_palette_survives_its_file(palette, tmp_path, ending):
    path = tmp_path / f"mine{ending}"
    save_palette(palette, path)
    loaded = load_palette(path)
    assert np.array_equal(loaded.colors, palette.colors)
    assert np.allclose(loaded.weights, palette.weights, atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "GIMP Palette\r\nName: x\r\nColumns: 2\r\n# note\r\n255   0   0\tRed\r\n  0  0 255\r\n",
        "gimp palette\n\n255 0 0\n0 0 255 Untitled",
        '\ufeff["#ff0000", "#00f"]',
        '{"colors": [{"color": "#ff0000"}, {"color": "#0000ff", "weight": 1}]}',
    ],
)
def test_palettes_of_other_programs(text, tmp_path):
    path = tmp_path / "other.pal"
    path.write_bytes(text.encode())
    loaded = load_palette(path)
    assert sorted(loaded.to_hex()) == ["#0000ff", "#ff0000"]
    assert loaded.weights.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no palette"),
        ("GIMP Palette\n", "no colour"),
        ("GIMP Palette\n300 0 0 x\n", "damaged"),
        ("[]", "no colour"),
        ('{"colours": []}', "needs"),
        ('["#zz"]', "needs"),
        ('[{"color": "#fff", "weight": -1}]', "no shares"),
        ('[{"color": "#fff", "weight": 1e999}]', "no shares"),
        (json.dumps(["#fff"] * 300), "300 colours"),
        ("[" * 100_000, "needs"),
    ],
)
def test_a_bad_palette_gets_one_sentence(text, sentence, tmp_path):
    path = tmp_path / "bad.gpl"
    path.write_text(text)
    with pytest.raises(PaletteError, match=sentence) as error:
        load_palette(path)
    assert "\n" not in str(error.value)
    with pytest.raises(PaletteError, match="cannot be read"):
        load_palette(tmp_path / "missing.gpl")


def test_four_built_in_palettes_of_nine_colours():
    assert len(BUILT_IN) == 4
    for name in BUILT_IN:
        palette = built_in(name)
        assert len(set(palette.to_hex())) == 9
        assert abs(palette.weights.sum() - 1) < 1e-6 and len(set(palette.weights)) > 3
    with pytest.raises(PaletteError, match="choose"):
        built_in("nothing")


def test_strokes_survive_their_file_and_a_layer_is_read(tmp_path):
    save_strokes([STROKE], tmp_path / "strokes.json")
    assert load_hints(tmp_path / "strokes.json") == [STROKE]
    (tmp_path / "session.json").write_text(json.dumps({"strokes": [STROKE.to_dict()]}))
    assert load_hints(tmp_path / "session.json") == [STROKE]
    layer = from_strokes([STROKE], (300, 360))
    Image.fromarray(layer).save(tmp_path / "layer.png")
    assert np.array_equal(np.asarray(load_hints(tmp_path / "layer.png")), layer)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.json", b"{", "no JSON"),
        ("a.json", b'{"paint": 1}', "no strokes"),
        ("a.json", b'[{"color": "red"}]', "stroke needs"),
        ("a.json", b"\xff\xfe\x00", "no JSON"),
        ("a.png", b"nothing", "cannot be read"),
    ],
)
def test_bad_hints_get_one_sentence(name, content, sentence, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        load_hints(tmp_path / name)


def test_a_picture_without_transparency_is_no_hint_layer(tmp_path):
    Image.new("RGB", (30, 30)).save(tmp_path / "flat.png")
    with pytest.raises(ValueError, match="no transparency"):
        load_hints(tmp_path / "flat.png")


@pytest.fixture
def command(tiny_pipeline, example_sketch, tmp_path) -> list[str]:
    tiny_pipeline.save_pretrained(tmp_path / "model")
    example_sketch.save(tmp_path / "sketch.png")
    quick = f"--model {tmp_path}/model --device cpu --resolution 64 --steps 1 --seed 3 --force"
    return ["colorize", f"{tmp_path}/sketch.png", "-o", f"{tmp_path}/out.png", *quick.split()]


def test_hints_and_palettes_reach_the_picture(command, palette, tmp_path, capsys):
    save_strokes([STROKE], tmp_path / "strokes.json")
    Image.fromarray(from_strokes([STROKE], (300, 360))).save(tmp_path / "layer.png")
    save_palette(palette, tmp_path / "mine.gpl")

    def picture(*options: object) -> np.ndarray:
        assert main([*command, *map(str, options)]) == 0
        return np.asarray(Image.open(tmp_path / "out.png")).astype(int)

    plain = picture()
    strokes = picture("--hints", tmp_path / "strokes.json")
    assert np.array_equal(strokes, picture("--hints", tmp_path / "layer.png"))
    assert not np.array_equal(strokes, plain)
    assert not np.array_equal(picture("--palette", BUILT_IN[0]), plain)
    assert not np.array_equal(picture("--palette", tmp_path / "mine.gpl"), plain)
    assert not np.array_equal(picture("--reference", tmp_path / "layer.png"), plain)


def test_wishes_that_cannot_be_read_are_status_2(command, tmp_path, capsys):
    for options in (
        ["--hints", tmp_path / "no.json"],
        ["--palette", "no-such-palette"],
        ["--reference", tmp_path / "no.png"],
    ):
        assert main([*command, *map(str, options)]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    with pytest.raises(SystemExit):
        main([*command, "--palette", BUILT_IN[0], "--reference", "x.png"])


def test_the_palette_command(colour_picture, tmp_path, capsys):
    picture, output = tmp_path / "picture.png", tmp_path / "taken.gpl"
    Image.fromarray(colour_picture).save(picture)
    assert main(["palette", str(picture), "-o", str(output), "--colors", "4"]) == 0
    printed = capsys.readouterr().out.splitlines()
    taken = load_palette(output)
    assert [line.split()[0] for line in printed] == taken.to_hex()
    assert taken.to_hex() == from_image(Image.open(picture), size=4).to_hex()
    assert main(["palette", str(picture), "-o", str(output)]) == 2  # exists
    assert main(["palette", str(tmp_path / "no.png")]) == 2


def test_palettes_of_difficult_pictures():
    rng = np.random.default_rng(0)
    logo = np.zeros((50, 80, 3), np.uint8)
    logo[:, :40], logo[:, 40:] = (220, 20, 60), (10, 10, 40)
    assert {"#dc143c", "#0a0a28"} <= set(from_image(logo).to_hex())
    clear = np.zeros((40, 40, 4), np.uint8)
    clear[10:20, 10:20] = (30, 200, 90, 255)
    assert "#1ec85a" in from_image(Image.fromarray(clear)).to_hex()
    photograph = rng.integers(0, 256, (300, 200, 3), dtype=np.uint8)
    assert len(from_image(photograph).colors) == 9
    for flat in ((255, 255, 255), (0, 0, 0)):
        for size in ((1, 1), (30, 30)):
            palette = from_image(Image.new("RGB", size, flat))
            assert palette.colors.tolist() == [list(flat)] and palette.weights.sum() == 1
