"""manage.py bench NAME: run a benchmark, print a table, then one line of JSON."""

import ast
import json
import os
import pkgutil
import subprocess
import sys
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generation import bench

MARK = "_GENGA_BENCH_HOME"
"""An environment variable that marks the process of a benchmark with its own data folder."""


class Command(BaseCommand):
    """Each module of generation/bench is one benchmark."""

    help = "Run one benchmark and print its figures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add a subcommand for each module, with that module's own options."""
        subparsers = parser.add_subparsers(
            dest="name", required=True, metavar="NAME", parser_class=_Options
        )
        for name in names():
            subparsers.add_parser(name, help=_help_of(name)).benchmark = name

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the benchmark and print its figures."""
        module = import_module(f"generation.bench.{options['name']}")
        if getattr(module, "ISOLATED", False) and MARK not in os.environ:
            sys.exit(_run_apart())
        figures = module.run(options, self.stdout.write)
        line = json.dumps({"bench": options["name"], **figures})
        if options["json"]:
            options["json"].write_text(line + "\n")
        self.stdout.write(line)


class _Options(CommandParser):
    """The options of one benchmark. Its module may need torch, so it is imported only if chosen."""

    benchmark: str

    def parse_known_args(self, *arguments: Any, **more: Any) -> Any:
        """Add the module's own options first."""
        module = import_module(f"generation.bench.{self.benchmark}")
        self.description = module.__doc__
        self.add_argument("--json", type=Path, help="write the last line to this file too")
        module.add_arguments(self)
        return super().parse_known_args(*arguments, **more)


def _help_of(name: str) -> str:
    """The benchmark's HELP, read from its source, because importing all modules takes seconds."""
    source = (Path(bench.__path__[0]) / f"{name}.py").read_text()
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="HELP")], value=ast.Constant(value=str(text))):
                return text
    raise LookupError(f"generation/bench/{name}.py has no HELP")


def _run_apart() -> int:
    """Run the same command in a new process with its own data folder; return its exit status."""
    with TemporaryDirectory(prefix="genga-bench-") as home:
        environment = {**os.environ, "GENGA_HOME": home, "GENGA_PROFILE": "embedded", MARK: "1"}
        return subprocess.call([sys.executable, *sys.argv], env=environment)


def names() -> list[str]:
    """The names of all benchmarks; packages and modules with a leading underscore are helpers."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(bench.__path__)
        if not module.ispkg and not module.name.startswith("_")
    )
