"""Requests to the admin site as a browser sends them."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.fields.files import FieldFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from PIL import Image

from generation.models import Attempt, Job, JobEvent, Output
from studio.models import Review, Take

READ_ONLY = [Take, Review, Job, JobEvent, Attempt, Output]
"""Models of the history, which are read-only."""


def picture_file(
    size: tuple[int, int] = (40, 30), kind: str = "PNG", mode: str = "RGB"
) -> SimpleUploadedFile:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, kind)
    return SimpleUploadedFile(f"mika.{kind.lower()}", stream.getvalue())


def address(model: Any, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def filled(client: Client, url: str) -> dict[str, Any]:
    """The values that a browser submits from an unchanged form."""
    context = client.get(url).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data = {}
    for form in forms:
        for name in form.fields:
            value = form[name].value()
            if value is None or value is False or isinstance(value, FieldFile):
                continue
            data[form.add_prefix(name)] = value
    return data


def act(client: Client, model: Any, action: str, *rows: Any) -> HttpResponse:
    """Run a bulk action on rows."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(address(model), chosen, follow=True)


def told(response: Any) -> list[str]:
    """The codes of the messages on the page."""
    return [code for said in response.context["messages"] for code in said.extra_tags.split()]


def text(response: Any) -> str:
    return response.content.decode()
