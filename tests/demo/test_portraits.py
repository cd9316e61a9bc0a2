"""The demo model's pictures, captions and words."""

import random
from itertools import islice

import numpy as np
import pytest

from generation.demo.portraits import (
    HAIR_STYLES,
    PICTURE_STYLES,
    Portrait,
    Pose,
    caption,
    caption_parts,
    random_portrait,
    training_caption,
    training_portraits,
)
from generation.demo.tokenizer import MAX_TOKENS, VOCABULARY, build_tokenizer

pytest.importorskip("skia", reason="drawing needs the extra 'train'")

from generation.demo.drawing import draw

PORTRAIT = Portrait("pink", "twin tails", "blue", "smiling", "sunset", "ribbon")


def test_a_caption_names_all_attributes_in_the_usual_order() -> None:
    wanted = "1girl, twin tails pink hair, blue eyes, smiling, sunset background, ribbon"
    assert caption(PORTRAIT) == wanted


def test_a_training_caption_names_only_attributes_of_the_portrait() -> None:
    source = random.Random(4)
    words = set(" ".join(caption_parts(PORTRAIT)).replace(",", " ").split())
    captions = [training_caption(PORTRAIT, source, dropping=0.5) for _ in range(200)]
    for text in captions:
        assert set(text.replace(",", " ").split()) <= words
    assert "" in captions
    assert caption(PORTRAIT) in captions


def test_the_same_seed_draws_the_same_portraits() -> None:
    first, second = (list(islice(training_portraits(8), 20)) for _ in range(2))
    assert first == second
    assert first != list(islice(training_portraits(9), 20))


@pytest.mark.parametrize("style", PICTURE_STYLES)
@pytest.mark.parametrize("hair_style", HAIR_STYLES)
def test_every_style_draws_a_different_picture(style: str, hair_style: str) -> None:
    portrait = Portrait("red", hair_style, "green", "sad", "sky", "hat", "boy", style)
    picture = draw(portrait, Pose(tilt=4, blink=1), size=64)
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 10
    if style == "noir":
        assert (picture.max(axis=-1) == picture.min(axis=-1)).all()


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(KeyError):
        draw(Portrait("mauve", "bob", "blue", "sad", "sky"))


def test_every_word_of_a_caption_is_one_token() -> None:
    tokenizer = build_tokenizer()
    source = random.Random(2)
    for _ in range(100):
        text = caption(random_portrait(source, styled=0.5))
        for word in text.replace("1", "1 ").replace(",", " ,").split():
            assert word in VOCABULARY
            assert len(tokenizer(word).input_ids) == 3
        assert len(tokenizer(text).input_ids) <= MAX_TOKENS


def test_the_tokenizer_encodes_any_text_and_is_deterministic() -> None:
    tokenizer = build_tokenizer()
    assert tokenizer.decode(tokenizer("zebra café 日本").input_ids[1:-1]).split() == [
        "zebra",
        "café",
        "日本",
    ]
    assert tokenizer.get_vocab() == build_tokenizer().get_vocab()
