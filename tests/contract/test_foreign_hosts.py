"""A wrong Host is refused shortly, and one line in the log says which it was."""

from __future__ import annotations

import logging

import pytest
from django.test import Client

from tests.contract.asking import QUEUE

ADDRESSES = ["/", "/login/", QUEUE, "/healthz", "/static/css/base.css", "/nowhere/"]


@pytest.mark.django_db
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("host", ["evil.example", "a\nb", "x" * 5000, "é.example", "[::1"])
def test_a_wrong_host_is_one_line_in_the_log(
    address: str, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Client(raise_request_exception=False).get(address, HTTP_HOST=host)

    assert answer.status_code == 400
    assert len(answer.content) < 300
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    line = record.getMessage()
    assert "\n" not in line
    assert len(line) < 1000
