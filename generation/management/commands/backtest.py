"""manage.py backtest: replay the history of renders to judge the estimates."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generation.estimating.evaluation.backtest import Accuracy, replay
from generation.estimating.evaluation.records import records as finished_records
from generation.estimating.shapes import parse
from generation.estimating.speeds.cache import SpeedCache


class Command(BaseCommand):
    """Estimate every finished attempt from the attempts before it, then learn from it.

    The formulas of other programs are judged in the same way.
    """

    help = "Replay the history of renders against our estimator and other programs' formulas."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--skip",
            type=int,
            default=0,
            help="number of first attempts to learn from without judging",
        )
        parser.add_argument("--json", type=Path, help="write the last line to this file too")

    def handle(self, *_: Any, **options: Any) -> None:
        """Replay and print. Raises CommandError if there is nothing to judge."""
        records = list(finished_records())
        if len(records) <= options["skip"]:
            raise CommandError(
                f"There are {len(records)} finished renders with their stages' times, and "
                f"--skip is {options['skip']}: nothing is left to judge. Render something first."
            )
        speeds = SpeedCache()
        speeds.refresh_costs()
        estimates = replay(records, lambda text: speeds.demands(parse(text)), options["skip"])
        found = {name: Accuracy.of(estimated) for name, estimated in estimates.items()}
        head = f"{'':<20}{'renders':>9}{'within 20 %':>13}{'mean error':>12}{'median':>9}"
        self.stdout.write(f"{head}{'coverage':>10}")
        for name, accuracy in found.items():
            figures = (
                accuracy.within,
                accuracy.mean_error,
                accuracy.median_error,
                accuracy.coverage,
            )
            first, second, third, fourth = (_percent(share) for share in figures)
            self.stdout.write(
                f"{name:<20}{accuracy.count:>9}{first:>13}{second:>12}{third:>9}{fourth:>10}"
            )
        line = json.dumps({"backtest": {name: asdict(one) for name, one in found.items()}})
        if options["json"]:
            options["json"].write_text(line + "\n")
        self.stdout.write(line)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
