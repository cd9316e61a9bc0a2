"""Adding a text to GIF and PNG files of other programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from generation.media.comments import add_gif_comment, add_png_text, read_comment

TEXT = 'ü 少女 {"seed": 7} ' * 100


def animated(path: Path) -> Path:
    first, *rest = [Image.new("RGB", (16, 16), (40 * n, 90, 200 - 40 * n)) for n in range(4)]
    first.save(path, save_all=True, append_images=rest, duration=100)
    return path


def test_adding_a_comment_to_a_gif_keeps_its_pictures(tmp_path: Path) -> None:
    path = animated(tmp_path / "a.gif")
    assert read_comment(path) is None

    add_gif_comment(path, TEXT)

    assert read_comment(path) == TEXT
    with Image.open(path) as picture:
        assert picture.n_frames == 4
        picture.seek(3)
        assert picture.convert("RGB").getpixel((5, 5)) == (120, 90, 80)


def test_adding_a_text_to_a_png_keeps_its_pictures(tmp_path: Path) -> None:
    path = animated(tmp_path / "a.png")
    assert read_comment(path) is None

    add_png_text(path, TEXT)

    assert read_comment(path) == TEXT
    with Image.open(path) as picture:
        assert picture.n_frames == 4
        picture.seek(3)
        picture.load()
        assert picture.text["Comment"] == TEXT


@pytest.mark.parametrize(("name", "add"), [("a.gif", add_gif_comment), ("a.png", add_png_text)])
def test_a_truncated_file_takes_no_text_and_has_none(
    name: str, add: object, tmp_path: Path
) -> None:
    assert callable(add)
    path = animated(tmp_path / name)
    whole = path.read_bytes()

    for length in (8, 12, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert read_comment(path) is None
        with pytest.raises(ValueError, match="does not end as its format does"):
            add(path, TEXT)
        assert path.read_bytes() == whole[:length]


def test_other_files_have_no_comment(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a text")

    assert read_comment(path) is None
