"""manage.py backtest: play the history again, ours beside other programs' formulas."""

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
    """Every finished attempt is estimated by what was known before it, then learned."""

    help = "Replay the history of renders against our estimator and other programs' formulas."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many attempts only teach."""
        parser.add_argument("--skip", type=int, default=0, help="attempts that only teach")
        parser.add_argument("--json", type=Path, help="write the last line to this file too")

    def handle(self, *_: Any, **options: Any) -> None:
        """Raises CommandError when there is nothing to replay."""
        records = list(finished_records())
        if len(records) <= options["skip"]:
            raise CommandError(
                f"There are {len(records)} finished renders with their stages' times, and "
                f"--skip is {options['skip']}: nothing is left to judge. Render something first."
            )
        speeds = SpeedCache()
        speeds.refresh_costs()
        said = replay(records, lambda text: speeds.demands(parse(text)), options["skip"])
        found = {name: Accuracy.of(estimated) for name, estimated in said.items()}
        head = f"{'':<20}{'renders':>9}{'within 20 %':>13}{'mean error':>12}{'median':>9}"
        self.stdout.write(f"{head}{'coverage':>10}")
        for name, one in found.items():
            figures = (one.within, one.mean_error, one.median_error, one.coverage)
            first, second, third, fourth = (_percent(share) for share in figures)
            self.stdout.write(
                f"{name:<20}{one.count:>9}{first:>13}{second:>12}{third:>9}{fourth:>10}"
            )
        line = json.dumps({"backtest": {name: asdict(one) for name, one in found.items()}})
        if options["json"]:
            options["json"].write_text(line + "\n")
        self.stdout.write(line)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
