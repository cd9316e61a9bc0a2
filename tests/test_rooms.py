"""The structure of the code, measured from its own imports."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APPS = ("generation", "studio")
MODULES_AT_THE_TOP = 12
IMPORTS_BETWEEN_ROOMS = 110
LINES = 300

TOOLS = {"generation.management", "generation.bench", "generation.demo", "studio.management"}
"""Command-line tools use everything, and count on neither side."""

LONG_FILES = {
    "generation/specs.py": "the declarations of all settings stand in one place",
    "tests/contract/test_generate.py": "one call of the API with all of its fields",
    "tests/generation/estimating/speeds/test_learning.py": "needs the simulated machine throughout",
    "tests/generation/estimating/test_estimator.py": "one history, looked at from many sides",
    "tests/generation/live/test_sqlite_layer.py": "the whole contract of a channel layer",
    "tests/generation/pipelines/interpolate/test_interpolate.py": "drawn motions and their measures",
    "tests/generation/queue/test_requests.py": "all that people ask of a job, with its races",
    "tests/generation/scheduling/test_claim.py": "one table of jobs and devices",
    "tests/generation/scheduling/test_forecast.py": "one table of jobs and devices",
    "tests/generation/worker/resume/test_snapshots.py": "every kind of damage to one file",
    "tests/generation/worker/test_preempted.py": "one render, interrupted in every way",
    "tests/studio/live/test_hub.py": "one hub with all of its viewers",
    "tests/studio/views/test_queue_actions.py": "every action on many jobs and on devices",
    "tests/studio/views/test_render_page.py": "one form with all of its fields",
}
"""Files over LINES, with the reason."""

SAME_KIND = {
    "accuracy": "how right estimates are: measured, worded, shown",
    "apps": "Django's name for an app's configuration",
    "cost": "what the stages of a job cost: for all kinds of job, and of each kind",
    "costs": "the FLOPs of a family's parts, and what families share of counting them",
    "devices": "devices for leads: their admin pages, and what leads do to them",
    "executor": "what a worker runs a kind of job with",
    "files": "the files of outputs: stored, served",
    "jobs": "pages of jobs, the studio's and the admin's",
    "pipeline": "a family's pipeline",
    "projects": "pages of projects, the studio's and the admin's",
    "queue": "the queue, on pages and in the API",
    "reasons": "why a setting was chosen: its sentences, and how they are stored and shown",
    "refusals": "the sentences of refusals",
    "trash": "deleted jobs, and the pages of the trash",
    "sentences": "sentences for people with their codes",
    "weights": "the files of models: recorded and compared, accepted by a lead",
}
"""File names that stand in several rooms, with what all of them hold."""


def sources(*folders: str) -> Iterator[Path]:
    """The Python files of folders, without migrations, by their path in the repository."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT)


def module_of(path: Path) -> str:
    """The dotted name that a file is imported by; a package's is that of its folder."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports() -> dict[str, set[str]]:
    """The modules of the two apps that each of them imports, also in functions and for types."""
    files = {module_of(path): path for path in sources(*APPS)}
    return {
        name: {one for one in _imported(path, files) if one in files and one != name}
        for name, path in files.items()
    }


def _imported(path: Path, known: Collection[str]) -> Iterator[str]:
    """What a file imports: of `from a import b` the module `a.b`, where there is one, or `a`."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                inner = f"{node.module}.{one.name}"
                yield inner if inner in known else node.module


def room_of(module: str) -> str | None:
    """The folder directly inside an app; None for the app's own modules and for tools."""
    app, *rest = module.split(".")
    room = f"{app}.{rest[0]}" if rest else None
    is_folder = room is not None and (ROOT / room.replace(".", "/")).is_dir()
    return room if is_folder and room not in TOOLS else None


@pytest.mark.parametrize("app", APPS)
def test_the_top_level_of_an_app_can_be_read_at_a_glance(app: str) -> None:
    modules = sorted(path.name for path in (ROOT / app).glob("*.py") if path.stem != "__init__")

    assert len(modules) <= MODULES_AT_THE_TOP, modules


def test_there_are_few_imports_between_rooms() -> None:
    """A room that imports another counts once, however many of its modules do."""
    between = Counter(
        (room_of(module), room_of(imported))
        for module, found in imports().items()
        for imported in found
        if room_of(module) and room_of(imported) and room_of(module) != room_of(imported)
    )

    assert len(between) <= IMPORTS_BETWEEN_ROOMS, f"{len(between)}: {between}"


def test_modules_do_not_import_one_another_in_circles() -> None:
    """Imports in functions and for types count: whoever reads one file has to read the other."""
    assert circles(imports()) == []


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that can all be reached from one another, by Kosaraju's algorithm."""
    backwards: dict[str, set[str]] = defaultdict(set)
    for module, found in graph.items():
        for imported in found:
            backwards[imported].add(module)
    seen: set[str] = set()
    order = [one for module in sorted(graph) for one in _reached(module, graph, seen)]
    seen = set()
    groups = [sorted(_reached(module, backwards, seen)) for module in reversed(order)]
    return [group for group in groups if len(group) > 1]


def _reached(start: str, graph: dict[str, set[str]], seen: set[str]) -> list[str]:
    """What can be reached and was not seen before, each after all that it leads to."""
    if start in seen:
        return []
    seen.add(start)
    inner = [one for following in sorted(graph[start]) for one in _reached(following, graph, seen)]
    return [*inner, start]


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a"}}

    assert circles(graph) == [["b", "c"]]


def test_every_module_stands_in_a_layer() -> None:
    """That no import runs upwards is what import-linter checks."""
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = written["tool"]["importlinter"]["contracts"]
    layers = [one for one in contracts if one["type"] == "layers"]

    assert {name for one in layers for name in one["containers"]} == set(APPS)
    assert all(one["exhaustive"] for one in layers)
    assert {name for one in layers for name in one["exhaustive_ignores"]} == {"migrations"}


def test_a_file_holds_about_one_idea() -> None:
    lines = {
        str(path): len((ROOT / path).read_text().splitlines()) for path in sources(*APPS, "tests")
    }
    long = {path for path, count in lines.items() if count > LINES}

    assert long <= set(LONG_FILES), {path: lines[path] for path in long - set(LONG_FILES)}


def test_a_file_is_found_by_its_name() -> None:
    """Benchmarks and commands are named after what they measure or start."""
    named: dict[str, list[str]] = defaultdict(list)
    for path in sources(*APPS):
        if path.stem != "__init__" and not {"bench", "commands"} & set(path.parts):
            named[path.stem].append(str(path))
    several = {name: paths for name, paths in named.items() if len(paths) > 1}

    unexplained = {name: paths for name, paths in several.items() if name not in SAME_KIND}
    assert not unexplained
