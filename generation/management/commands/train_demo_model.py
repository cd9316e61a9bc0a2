"""manage.py train_demo_model: train the demo model that ships in ``fixtures/models/toon``.

With ``--motion``, train that model's motion adapter, ``fixtures/models/toon-motion``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

PROJECT = Path(__file__).resolve().parents[3]
DEFAULT_WORK = PROJECT / "data" / "demo-model"
DEFAULT_OUTPUT = PROJECT / "fixtures" / "models" / "toon"
STAGE_NAMES = ("tokenizer", "autoencoder", "latents", "denoiser", "reader", "export")
MOTION_STAGE_NAMES = ("clips", "adapter", "check", "export")

RunStage = Callable[[str, Callable[[str], None]], None]


class Command(BaseCommand):
    help = (
        "Train the demo model from scratch on drawn portraits: a tokenizer, an autoencoder, "
        "latents, a denoiser with its text encoder, and a reader that checks pictures. Needs the "
        "extra 'pip install -e .[train]'. On two CPU cores the defaults take about three hours. "
        "Stages write their results to --work; the denoiser resumes from its checkpoint there. "
        "With --motion: train the motion adapter of the finished model in --output instead, on "
        "drawn clips, in the stages clips, adapter, check and export. It resumes in the same way "
        "and takes an hour and a half more on two CPU cores."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--stage",
            choices=(*dict.fromkeys((*STAGE_NAMES, *MOTION_STAGE_NAMES)), "all"),
            default="all",
            help="the stage to run; 'all' runs them in the order shown (default); with --motion "
            "they are clips, adapter, check and export",
        )
        parser.add_argument(
            "--motion",
            action="store_true",
            help="train the motion adapter of the model in --output, which is not changed; the "
            "adapter is written next to it, with '-motion' added to its name",
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
            help="model folder that 'export' replaces; the reader is written next to it, with "
            "'-reader' added to its name (default: %(default)s)",
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
            "--adapter-steps",
            type=int,
            default=3000,
            help="steps of the motion adapter (default: %(default)s)",
        )
        parser.add_argument(
            "--clips",
            type=int,
            default=384,
            help="training clips of 128 pixels; two thirds as many of 256 (default: %(default)s)",
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="random seed (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = MOTION_STAGE_NAMES if options["motion"] else STAGE_NAMES
        stages = names if options["stage"] == "all" else (options["stage"],)
        if not set(stages) <= set(names):
            raise CommandError(f"the stages here are {', '.join(names)}; see --motion")
        try:
            run = _motion_stages(options) if options["motion"] else _stages(options)
        except ImportError as error:
            raise CommandError(str(error)) from error
        for stage in stages:
            try:
                run(stage, self.stdout.write)
            except (ImportError, OSError) as error:
                raise CommandError(f"{stage}: {error}") from error


# The training modules are imported in functions, so that `manage.py help` works without torch and
# skia.
def _stages(options: dict[str, Any]) -> RunStage:
    from generation.demo.training_stages import Recipe, run_stage

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
    return lambda stage, say: run_stage(stage, recipe, say)


def _motion_stages(options: dict[str, Any]) -> RunStage:
    from generation.demo.motion_stages import MotionRecipe, adapter_folder, run_motion_stage

    recipe = MotionRecipe(
        work=options["work"],
        base=options["output"],
        output=adapter_folder(options["output"]),
        device=options["device"],
        seed=options["seed"],
        small_clips=options["clips"],
        large_clips=max(1, options["clips"] * 2 // 3),
        steps=options["adapter_steps"],
    )
    return lambda stage, say: run_motion_stage(stage, recipe, say)
