"""What people read of an unexpected error: short, and without paths of the machine."""

from __future__ import annotations

import errno

import pytest

from generation.errors import PUBLIC_LENGTH, public_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/srv/models/sd15/unet is missing", "unet is missing"),
        ("no file in directory /srv/models/sd15/unet.", "no file in directory unet."),
        ("see '/srv/my models/sd15/unet.json'", "see 'unet.json'"),
        ('see "/srv/my models/sd15/unet.json"!', 'see "unet.json"!'),
        ("see /srv/my models/sd15/unet.json now", "see unet.json now"),
        ("(/srv/a/b.bin, /srv/a/c.bin)", "(b.bin, c.bin)"),
        ("path=/srv/a/b.bin", "path=b.bin"),
        ("path:/srv/a/b.bin", "path:b.bin"),
        ("see file:///srv/a/b.bin", "see file://b.bin"),
        ("from https://example.org/a/b", "from https://example.org/a/b"),
        ("25/75 of and/or 3 / 4", "25/75 of and/or 3 / 4"),
        ("unet/config.json", "unet/config.json"),
        ("two\nlines", "two"),
        ("\n\n  second", "second"),
        ("", ""),
    ],
)
def test_a_text_loses_paths_and_all_but_its_first_line(text: str, shown: str) -> None:
    assert public_text(text) == shown


def test_an_error_is_named_by_its_class() -> None:
    assert public_text(KeyError("unet")) == "KeyError: 'unet'"
    assert public_text(ValueError()) == "ValueError"


def test_an_error_of_the_system_keeps_the_name_of_its_file() -> None:
    problem = OSError(errno.ENOSPC, "No space left on device", "/srv/genga/media/one.png")

    assert public_text(problem) == "OSError: [Errno 28] No space left on device: 'one.png'"


def test_a_long_text_is_cut() -> None:
    shown = public_text(RuntimeError("size mismatch " * 2000))

    assert PUBLIC_LENGTH - 1 <= len(shown) <= PUBLIC_LENGTH
    assert shown.startswith("RuntimeError: size mismatch size")
    assert shown.endswith("…")
