"""Prompt languages of other programs are recognised, and tags and prose are not taken for them."""

from __future__ import annotations

import pytest

from studio.ordering.foreign_syntax import foreign_syntax


@pytest.mark.parametrize(
    ("prompt", "code", "found"),
    [
        ("1girl, (masterpiece:1.2), smiling", "weight_unread", "(masterpiece:1.2)"),
        ("(red hair, blue eyes: 0.8)", "weight_unread", "(red hair, blue eyes: 0.8)"),
        ("(smile:1)", "weight_unread", "(smile:1)"),
        ("(((detailed:1.4)))", "weight_unread", "(detailed:1.4)"),
        ("(area 51:1.3)", "weight_unread", "(area 51:1.3)"),
        ("(red hair)1.3 girl", "weight_unread", "(red hair)1.3"),
        ("(red hair)++", "weight_unread", "(red hair)++"),
        ("1.5::red hair::, girl", "weight_unread", "1.5::red hair::"),
        ("((best quality)), 1girl", "parentheses_unread", "((best quality))"),
        ("girl, [blurry], hat", "brackets_unread", "[blurry]"),
        ("a [cat:dog:0.5] sits", "brackets_unread", "[cat:dog:0.5]"),
        ("a [cat|dog] sits", "brackets_unread", "[cat|dog]"),
        ("{{best quality}}, 1girl", "braces_unread", "{best quality}"),
        (r"hatsune_miku_\(vocaloid\)", "escapes_unread", r"hatsune_miku_\(vocaloid"),
        ("<lora:ink-v2:0.8> girl", "lora_unread", "<lora:ink-v2:0.8>"),
        ("<LyCO:x:1>", "lora_unread", "<LyCO:x:1>"),
        ("<hypernet:x:1>", "embedding_unread", "<hypernet:x:1>"),
        ("embedding:easynegative, girl", "embedding_unread", "embedding:easynegative"),
        ("a {red|blue} hat", "wildcard_unread", "{red|blue}"),
        ("girl with __haircolor__ hair", "wildcard_unread", "__haircolor__"),
        ("girl, __clothes/summer*__", "wildcard_unread", "__clothes/summer*__"),
        ("girl BREAK blue sky", "break_unread", "BREAK"),
        ("a cat AND a dog", "and_unread", "AND"),
        ("girl --ar 16:9 --niji 6", "options_unread", "--ar"),
    ],
)
def test_syntax_of_another_program_is_told(prompt: str, code: str, found: str) -> None:
    (reason,) = foreign_syntax([prompt])

    assert reason.code == code
    assert f"“{found}”" in reason.chosen


@pytest.mark.parametrize(
    "prompt",
    [
        "hatsune_miku_(vocaloid), rem_(re:zero), fate/stay_night, nier_(series:2)",
        "rem (re:zero), saber (fate), ganyu (genshin impact)",
        "foo_(bar_(baz)), >:(, :), ;), (o)_(o), ^___^, >__<, |_|, !!, ...",
        "a clock (10:30), a ratio (16:9), a sign (a quiet one)",
        "a girl (with a red hat) and a boy; he said: 3 cats",
        "take a break, salt and pepper",
        "A GIRL AND A BOY TAKE A BREAK",
        "<img src=x onerror=alert(1)>, x < 3, i <3 you, c++, 6+girls, 100%",
        "a sign that reads {}, [ ], [1], std::cout, sci-fi -- dark, well-lit",
        "少女（笑顔）、【屋上】、夕焼け",
        "a file named snake_case__twice, __, my_embedding",
    ],
)
def test_tags_and_prose_are_no_syntax(prompt: str) -> None:
    assert foreign_syntax([prompt]) == []


def test_one_kind_is_told_once_for_both_texts_and_shortly() -> None:
    long = "(" + "very " * 30 + "long:1.2)"

    (weight, lora) = foreign_syntax([f"{long}, (b:1.1), <lora:x:1>", "(b:1.1), (c:1.3)"])

    assert (weight.code, lora.code) == ("weight_unread", "lora_unread")
    assert weight.chosen.startswith("“(very very")
    assert "and 2 more" in weight.chosen
    assert len(weight.chosen) < 80
