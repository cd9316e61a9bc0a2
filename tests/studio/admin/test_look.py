"""The admin site looks like the studio and obeys its content security policy."""

from __future__ import annotations

from types import SimpleNamespace

from django.test import Client
from django.urls import reverse

from generation.models import Job
from studio.models import Character, Style
from tests.studio.admin.asking import address, text


def test_index_and_login_carry_the_studio_look(as_root: Client) -> None:
    index = as_root.get(reverse("admin:index"))
    as_root.logout()
    login = as_root.get(reverse("admin:login"))
    for page in (index, login):
        assert "css/admin.css" in text(page)
        assert "Genga" in text(page)
        # The CSP forbids them, and Django's second theme would conflict with our tokens.
        assert "style=" not in text(page)
        assert "theme.js" not in text(page)


def test_pages_obey_the_content_security_policy(as_root: Client, ours: SimpleNamespace) -> None:
    for page in (
        address(Character),
        address(Character, "change", ours.character.pk),
        address(Style, "add"),
        address(Job, "change", ours.job.pk),
    ):
        answer = as_root.get(page)
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert "style=" not in text(answer)
        assert "<style" not in text(answer)
        assert "onclick=" not in text(answer)
        assert "<script>" not in text(answer)
