"""The name's two characters are drawn, so that they are seen where no Japanese font is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

PAGES = [
    *Path(settings.BASE_DIR, "templates").rglob("*.html"),
    *Path(settings.BASE_DIR, "static").glob("*.svg"),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_no_page_shows_characters_that_need_a_japanese_font(page: Path) -> None:
    shown = re.sub(r'aria-label="[^"]*"', "", page.read_text())

    assert not re.search("[\u3000-\u9fff]", shown)


def test_the_name_is_read_aloud(db: None, client: Client) -> None:
    page = client.get("/login/").content.decode()

    assert re.search(r'<svg [^>]*role="img"[^>]*aria-label="原画"', page)
    assert page.count("<path ") >= 2
