"""``manage.py train_demo_model``: makes the demo model that ships in ``fixtures/models/toon``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

PROJECT = Path(__file__).resolve().parents[3]
DEFAULT_WORK = PROJECT / "data" / "demo-model"
DEFAULT_OUTPUT = PROJECT / "fixtures" / "models" / "toon"
STAGE_NAMES = ("tokenizer", "autoencoder", "latents", "denoiser", "reader", "export")


class Command(BaseCommand):
    help = (
        "Train the demo model from nothing on drawn portraits: a tokenizer, an autoencoder, "
        "latents, a denoiser with its text encoder, and a reader that checks pictures. Needs the "
        "extra 'pip install -e .[train]'. On two CPU cores the defaults take about three hours; "
        "stages leave their results in --work, and the denoiser resumes from its checkpoint there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--stage",
            choices=(*STAGE_NAMES, "all"),
            default="all",
            help="the stage to run; 'all' runs them in the order shown (default)",
        )
        parser.add_argument(
            "--work",
            type=Path,
            default=DEFAULT_WORK,
            help="folder for latents, checkpoints and parts (default: %(default)s)",
        )
        parser.add_argument(
            "--output",
            type=Path,
            default=DEFAULT_OUTPUT,
            help="model folder that 'export' replaces; the reader goes beside it, with '-reader' "
            "added to its name (default: %(default)s)",
        )
        parser.add_argument(
            "--device", choices=("cpu", "cuda"), default="cpu", help="where to train (default: cpu)"
        )
        parser.add_argument(
            "--steps", type=int, default=6000, help="steps of the denoiser (default: %(default)s)"
        )
        parser.add_argument(
            "--autoencoder-steps",
            type=int,
            default=4300,
            help="steps of the autoencoder; its decoder gets a quarter more (default: %(default)s)",
        )
        parser.add_argument(
            "--reader-steps",
            type=int,
            default=1200,
            help="steps of the reader (default: %(default)s)",
        )
        parser.add_argument(
            "--batch",
            type=int,
            default=48,
            help="pictures of 128 pixels in the denoiser's batch; of 256 a quarter "
            "(default: %(default)s)",
        )
        parser.add_argument(
            "--pictures",
            type=int,
            default=6000,
            help="training pictures of 128 pixels; half as many of 256 (default: %(default)s)",
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="where all randomness starts (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # Imported here so that `manage.py help` works without torch and skia.
            from generation.demo.stages import STAGES, Recipe, run_stage
        except ImportError as error:
            raise CommandError(str(error)) from error
        recipe = Recipe(
            work=options["work"],
            output=options["output"],
            device=options["device"],
            seed=options["seed"],
            autoencoder_steps=options["autoencoder_steps"],
            decoder_steps=max(1, options["autoencoder_steps"] // 4),
            small_latents=options["pictures"],
            large_latents=max(1, options["pictures"] // 2),
            denoiser_steps=options["steps"],
            denoiser_batch=options["batch"],
            reader_steps=options["reader_steps"],
        )
        stages = STAGES if options["stage"] == "all" else (options["stage"],)
        for stage in stages:
            try:
                run_stage(stage, recipe, self.stdout.write)
            except (ImportError, OSError) as error:
                raise CommandError(f"{stage}: {error}") from error
