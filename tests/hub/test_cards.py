"""What the cards of training runs say about their line art."""

import pytest

from sketchcolor.hub.cards import run_card, system_card

RECIPE = {"name": "pix2pix", "source": "Isola et al. 2017", "lineart": "xdog"}
RECIPE |= {"resolution": 256, "train_batch_size": 4, "learning_rate": 2e-4, "adversarial": "lsgan"}
TRAINING = {"step": 2, "images": 8, "seconds": 3.0, "hardware": "2 cores", "seed": 0}
BETWEEN = "not part of this repository.\n{}\n## How it was trained"


def record(lineart: str = "xdog", **data: object) -> dict:
    return {"recipe": RECIPE | {"lineart": lineart}, "training": TRAINING} | data


@pytest.mark.parametrize(
    "given, sentence",
    [
        (
            record(data={"line_art": "extracted"}),
            "Line art was extracted from them while training, by the extractor `xdog`.\n",
        ),
        (
            record("random", data={"line_art": "extracted", "skipped": {"damaged": 1}}),
            "Line art was extracted from them while training, by several extractors.\n",
        ),
        (
            record(data={"line_art": "drawn"}),
            "Line art was not extracted: each picture has a sketch of its own beside it.\n",
        ),
        (
            record("random", data={"line_art": "mixed"}),
            "Some pictures have a drawn sketch beside them. From the others line art was extracted "
            "while training, by several extractors.\n",
        ),
        (record(), ""),  # older records do not say it
    ],
)
def test_a_card_says_where_line_art_came_from(given, sentence):
    assert BETWEEN.format(sentence) in run_card(given, "artist/run")


def test_the_systems_of_the_comparison_were_trained_on_extracted_lines():
    entry = {"model": "pix2pix", "settings": {}, "protocols": {}, "training": {}}
    entry["training"] = {"generator": record()}
    card = system_card(entry, "numbers", "Eight pictures.", "python train")
    assert "extracted from them while training, by the extractor `xdog`." in card
