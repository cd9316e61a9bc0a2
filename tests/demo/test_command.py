"""``manage.py train_demo_model`` runs the requested stages."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from transformers import CLIPTokenizer


def test_one_stage_runs_in_the_work_folder(tmp_path: Path) -> None:
    said = StringIO()
    call_command("train_demo_model", stage="tokenizer", work=tmp_path, stdout=said)
    assert said.getvalue().startswith("tokenizer: 757 tokens")
    assert len(CLIPTokenizer.from_pretrained(tmp_path / "tokenizer")) == 757


def test_a_stage_without_the_earlier_stages_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^export: "):
        call_command("train_demo_model", stage="export", work=tmp_path, output=tmp_path / "toon")
