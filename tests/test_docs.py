"""The documentation knows every setting, command, event and benchmark there is."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from generation.live.events import EventKind
from generation.management.commands.bench import names as benchmark_names
from studio import environment

ROOT = Path(settings.BASE_DIR)
DOCS = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
OWN_COMMANDS = [name for name, app in get_commands().items() if app in ("generation", "studio")]
SOURCES = [*(ROOT / "generation").rglob("*.py"), *(ROOT / "studio").rglob("*.py")]


@pytest.mark.parametrize("name", sorted(environment.NAMES))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCS["operations.md"]


def test_the_table_of_settings_has_their_defaults() -> None:
    rows = re.findall(
        r"^\| `([A-Z_0-9]+)` \| .+ \| (.*?) ?\|$", DOCS["operations.md"], re.MULTILINE
    )
    table = {name: default.strip("`") for name, default in rows if name in environment.NAMES}
    assert list(table) == list(environment.NAMES)
    for name, field in environment.FIELD_OF.items():
        default = environment.Environment.model_fields[field].default
        if isinstance(default, bool | int | float):
            assert float(table[name]) == default, name
        elif isinstance(default, str) and default:
            assert table[name] == default, name


def test_every_variable_the_code_reads_is_a_listed_setting() -> None:
    code = "\n".join(path.read_text() for path in SOURCES)
    assert set(re.findall(r'"(GENGA_[A-Z0-9_]+)"', code)) <= set(environment.NAMES)


@pytest.mark.parametrize("name", sorted(OWN_COMMANDS))
def test_every_command_is_documented(name: str) -> None:
    assert f"`manage.py {name}`" in DOCS["operations.md"]


@pytest.mark.parametrize("kind", sorted(EventKind))
def test_every_job_event_is_documented(kind: str) -> None:
    assert f"`{kind}`" in DOCS["architecture.md"]


def test_every_other_event_is_documented() -> None:
    code = "\n".join(path.read_text() for path in SOURCES)
    for kind in set(re.findall(r'"((?:take|device|rights)\.[a-z_]+)"', code)):
        assert f"`{kind}`" in DOCS["architecture.md"]


@pytest.mark.parametrize("name", benchmark_names())
def test_every_benchmark_is_documented(name: str) -> None:
    assert f"| `{name}` |" in DOCS["operations.md"]


def test_links_between_documents_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
