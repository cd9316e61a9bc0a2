"""The stages of training the demo model, in order, and their results in the work folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from transformers import CLIPTokenizer

from generation.demo.autoencoder import (
    AutoencoderTraining,
    load_autoencoder,
    new_autoencoder,
    normalise_latents,
    train_autoencoder,
)
from generation.demo.denoiser import Denoiser, DenoiserTraining, new_text_encoder, new_unet
from generation.demo.export import export_pipeline, export_preview, replace_folder
from generation.demo.latents import encode_renders, load_latents, save_latents
from generation.demo.reader import (
    ReaderTraining,
    load_reader,
    reader_accuracy,
    save_reader,
    train_reader,
)
from generation.demo.tokenizer import build_tokenizer

# The normalisation of latents is measured on this many pictures of 128 pixels.
NORMALISED_ON: Final = 400


@dataclass(frozen=True)
class Recipe:
    """All settings of the training; the defaults make the demo model."""

    work: Path
    output: Path
    device: str = "cpu"
    seed: int = 1
    autoencoder_steps: int = 4300
    decoder_steps: int = 1200
    small_latents: int = 6000
    large_latents: int = 3200
    denoiser_steps: int = 6000
    denoiser_batch: int = 48
    reader_steps: int = 700
    reader_decoded: int = 1200


def run_stage(stage: str, recipe: Recipe, say: Callable[[str], None]) -> None:
    """Run one stage.

    Raises KeyError for an unknown stage and OSError if the result of an earlier stage is missing.
    """
    actions = {
        "tokenizer": _tokenizer,
        "autoencoder": _autoencoder,
        "latents": _latents,
        "denoiser": _denoiser,
        "reader": _reader,
        "export": _export,
    }
    recipe.work.mkdir(parents=True, exist_ok=True)
    actions[stage](recipe, say)


def reader_folder(output: Path) -> Path:
    """The folder of the reader of the model in ``output``, beside it."""
    return output.with_name(output.name + "-reader")


def _tokenizer(recipe: Recipe, say: Callable[[str], None]) -> None:
    tokenizer = build_tokenizer()
    tokenizer.save_pretrained(recipe.work / "tokenizer")
    say(f"tokenizer: {len(tokenizer)} tokens")


def _autoencoder(recipe: Recipe, say: Callable[[str], None]) -> None:
    model = new_autoencoder()
    both = AutoencoderTraining(steps=recipe.autoencoder_steps, seed=recipe.seed)
    loss = train_autoencoder(model, both, recipe.device)
    count = min(NORMALISED_ON, recipe.small_latents)
    judged = encode_renders(model, 128, count, recipe.seed + 1, recipe.device)
    normalise_latents(model, judged.latents.float().to(recipe.device))
    say(f"autoencoder: loss {loss:.4f}")
    decoder = AutoencoderTraining(
        steps=recipe.decoder_steps,
        batch=5,
        crop=128,
        learning_rate=1e-3,
        decoder_only=True,
        disturbance=0.1,
        seed=recipe.seed + 2,
    )
    loss = train_autoencoder(model, decoder, recipe.device)
    say(f"autoencoder: loss {loss:.4f} after the decoder's own training")
    model.save_pretrained(recipe.work / "autoencoder")


def _latents(recipe: Recipe, say: Callable[[str], None]) -> None:
    model = load_autoencoder(recipe.work / "autoencoder", recipe.device)
    for size, count in ((128, recipe.small_latents), (256, recipe.large_latents)):
        seed = recipe.seed * 1000 + size
        encoded = encode_renders(model, size, count, seed, recipe.device)
        save_latents(encoded, recipe.work / "latents", size, seed)
        spread = ", ".join(f"{part:.2f}" for part in encoded.latents.float().std((0, 2, 3)))
        say(f"latents: {count} of {size} pixels, standard deviations {spread}")


def _new_denoiser(recipe: Recipe) -> Denoiser:
    tokenizer = CLIPTokenizer.from_pretrained(recipe.work / "tokenizer")
    settings = DenoiserTraining(
        steps=recipe.denoiser_steps, batch=recipe.denoiser_batch, seed=recipe.seed
    )
    return Denoiser(tokenizer, new_unet(), new_text_encoder(tokenizer), settings, recipe.device)


def _denoiser(recipe: Recipe, say: Callable[[str], None]) -> None:
    denoiser = _new_denoiser(recipe)
    checkpoint = recipe.work / "denoiser.pt"
    if checkpoint.exists():
        denoiser.load_checkpoint(checkpoint)
        say(f"denoiser: resumed after {denoiser.step} steps")
    loss = denoiser.train(recipe.work / "latents", checkpoint)
    say(f"denoiser: loss {loss:.4f} after {denoiser.step} steps")


def _reader(recipe: Recipe, say: Callable[[str], None]) -> None:
    autoencoder = load_autoencoder(recipe.work / "autoencoder", recipe.device)
    settings = ReaderTraining(
        steps=recipe.reader_steps, decoded=recipe.reader_decoded, seed=recipe.seed + 10
    )
    save_reader(train_reader(autoencoder, settings, recipe.device), recipe.work / "reader")
    accuracy = reader_accuracy(load_reader(recipe.work / "reader"), 128, 200, recipe.seed + 20)
    say("reader: " + ", ".join(f"{name} {share:.3f}" for name, share in accuracy.items()))


def _export(recipe: Recipe, say: Callable[[str], None]) -> None:
    denoiser = _new_denoiser(recipe)
    denoiser.load_checkpoint(recipe.work / "denoiser.pt")
    denoiser.use_average()
    autoencoder = load_autoencoder(recipe.work / "autoencoder")
    size = export_pipeline(
        recipe.output,
        autoencoder,
        denoiser.unet.cpu(),
        denoiser.text_encoder.cpu(),
        denoiser.tokenizer,
    )
    latents = load_latents(recipe.work / "latents", 256).latents
    export_preview(recipe.output, autoencoder, latents)
    say(f"export: {size / 1e6:.1f} MB in {recipe.output}")
    if (recipe.work / "reader").exists():
        partial = reader_folder(recipe.output).with_suffix(".partial")
        save_reader(load_reader(recipe.work / "reader"), partial)
        replace_folder(partial, reader_folder(recipe.output))
        say(f"export: the reader in {reader_folder(recipe.output)}")
