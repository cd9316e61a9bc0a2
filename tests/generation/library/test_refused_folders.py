"""A model folder that could not be loaded is refused in one sentence, and leaves nothing behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from safetensors.torch import load_file, save_file

from generation.errors import SpecError
from generation.library.register import register
from generation.models import ModelCard

pytestmark = pytest.mark.django_db

Damage = Callable[[Path], object]

WEIGHTS = "diffusion_pytorch_model.safetensors"


def refusal_of(folder: Path, slug: str = "mine", **fields: object) -> SpecError:
    """The refusal of registering, after which no card is there."""
    with pytest.raises(SpecError) as raised:
        register(folder, slug, **fields)
    assert not ModelCard.objects.filter(slug=slug).exists()
    assert len(raised.value.message) < 400
    assert str(folder.parent) not in raised.value.sentence
    return raised.value


def without(part: str) -> Damage:
    return lambda folder: shutil.rmtree(folder / part)


def unnamed(part: str) -> Damage:
    def act(folder: Path) -> None:
        path = folder / "model_index.json"
        index = json.loads(path.read_text())
        del index[part]
        path.write_text(json.dumps(index))

    return act


def cut(name: str) -> Damage:
    def act(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:-10])

    return act


def reweighted(name: str, change: Callable[[dict], object]) -> Damage:
    def act(folder: Path) -> None:
        weights = load_file(folder / name)
        change(weights)
        save_file(weights, folder / name, metadata={"format": "pt"})

    return act


def written(name: str, text: str) -> Damage:
    return lambda folder: (folder / name).write_text(text)


def failing(name: str) -> Damage:
    """A file that is there and cannot be read: the memory of a process has no first byte."""

    def act(folder: Path) -> None:
        path = folder / name
        path.unlink(missing_ok=True)
        path.symlink_to("/proc/self/mem")

    return act


def renamed(name: str, other: str) -> Damage:
    return lambda folder: (folder / name).rename(folder / name.rpartition("/")[0] / other)


DAMAGES: dict[str, tuple[Damage, str, str]] = {
    "no index": (lambda folder: (folder / "model_index.json").unlink(), "no_model_index", ""),
    "an index that is no JSON": (written("model_index.json", "{\n\n"), "index_not_json", "line 3"),
    "an index that is a list": (written("model_index.json", "[]"), "class_not_supported", ""),
    "an index that cannot be read": (
        failing("model_index.json"),
        "file_unreadable",
        "model_index.json cannot be read: Input/output error",
    ),
    "a genga.json that cannot be read": (
        failing("genga.json"),
        "file_unreadable",
        "genga.json cannot be read: Input/output error",
    ),
    "a file beside the parts that cannot be read": (
        failing("notes.txt"),
        "file_unreadable",
        "notes.txt cannot be read: Input/output error",
    ),
    "an unknown class": (
        written("model_index.json", '{"_class_name": "CavePainting"}'),
        "class_not_supported",
        "CavePainting",
    ),
    "no class": (written("model_index.json", "{}"), "class_not_supported", ""),
    "no scheduler": (without("scheduler"), "part_folder_missing", "scheduler"),
    "no tokenizer": (without("tokenizer"), "part_folder_missing", "tokenizer"),
    "no unet": (without("unet"), "part_folder_missing", "unet"),
    "a unet that is not named": (unnamed("unet"), "part_not_named", "unet"),
    "a scheduler that is not named": (unnamed("scheduler"), "part_not_named", "scheduler"),
    "an empty scheduler": (
        lambda folder: (folder / "scheduler" / "scheduler_config.json").unlink(),
        "part_unreadable",
        "scheduler",
    ),
    "a tokenizer without words": (
        lambda folder: (folder / "tokenizer" / "tokenizer.json").unlink(),
        "no_vocabulary",
        "tokenizer",
    ),
    "a text encoder as .bin": (
        renamed("text_encoder/model.safetensors", "pytorch_model.bin"),
        "no_safetensors",
        "text_encoder has its weights only as pytorch_model.bin",
    ),
    "a unet as .ckpt": (renamed(f"unet/{WEIGHTS}", "v1-5.ckpt"), "no_safetensors", "v1-5.ckpt"),
    "a vae without weights": (
        lambda folder: (folder / "vae" / WEIGHTS).unlink(),
        "no_weights",
        "vae",
    ),
    "weights cut short": (cut(f"unet/{WEIGHTS}"), "weights_damaged", f"unet/{WEIGHTS}"),
    "words cut short": (
        cut("text_encoder/model.safetensors"),
        "weights_damaged",
        "text_encoder/model.safetensors",
    ),
    "a missing layer": (
        reweighted(f"unet/{WEIGHTS}", lambda weights: weights.pop("conv_in.weight")),
        "weights_differ",
        "1 missing, such as conv_in.weight",
    ),
    "a layer too many": (
        reweighted(
            f"vae/{WEIGHTS}", lambda weights: weights.update(x=weights["encoder.conv_in.bias"] * 1)
        ),
        "weights_differ",
        "1 unexpected, such as x",
    ),
    "a layer of another size": (
        reweighted(
            f"unet/{WEIGHTS}",
            lambda weights: weights.update({"conv_in.bias": weights["conv_in.bias"][:3].clone()}),
        ),
        "weights_differ",
        "1 misshapen, such as conv_in.bias",
    ),
    "a word of another size": (
        reweighted(
            "text_encoder/model.safetensors",
            lambda weights: weights.update(
                {
                    "encoder.layers.0.mlp.fc1.bias": weights["encoder.layers.0.mlp.fc1.bias"][
                        :3
                    ].clone()
                }
            ),
        ),
        "weights_differ",
        "1 misshapen, such as encoder.layers.0.mlp.fc1.bias",
    ),
    "a part of a foreign class": (
        lambda folder: (folder / "model_index.json").write_text(
            (folder / "model_index.json").read_text().replace("DDIMScheduler", "HourglassScheduler")
        ),
        "part_class",
        "HourglassScheduler",
    ),
    "a config that makes no sense": (
        written("unet/config.json", '{"block_out_channels": "wide"}'),
        "part_unreadable",
        "unet",
    ),
    "a config that is no JSON": (written("vae/config.json", "{"), "part_unreadable", "vae"),
    "a genga.json that is no JSON": (
        written("genga.json", '{\n  "name": "Mine"\n  "guidance": 5\n}'),
        "index_not_json",
        "genga.json is not valid JSON in line 3",
    ),
    "a genga.json in another encoding": (
        lambda folder: (folder / "genga.json").write_bytes(b'{"name": "\xff"}'),
        "index_not_json",
        "genga.json",
    ),
    "a genga.json that is a list": (written("genga.json", "[]"), "card_no_object", "genga.json"),
    "an unknown field": (written("genga.json", '{"colour": 1}'), "card_field_unknown", "colour"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_folder_that_cannot_be_loaded_is_refused_with_the_reason(
    damage: str, folder: Path
) -> None:
    act, code, named = DAMAGES[damage]
    act(folder)

    refusal = refusal_of(folder)

    assert (refusal.field, refusal.code) == ("folder", code)
    assert refusal.allowed
    assert named in refusal.message


@pytest.mark.parametrize(
    ("text", "name"), [('{"width": "wide"}', "width"), ('{"guidance": -1}', "guidance")]
)
def test_a_card_that_is_not_possible_is_refused(text: str, name: str, folder: Path) -> None:
    (folder / "genga.json").write_text(text)

    refusal = refusal_of(folder)

    assert (refusal.field, refusal.code) == (name, "card_field_invalid")


def test_what_is_no_folder_is_told_in_three_sentences(folder: Path, tmp_path: Path) -> None:
    single = tmp_path / "model.safetensors"
    single.touch()
    empty = tmp_path / "empty"
    empty.mkdir()

    codes = [refusal_of(path).code for path in (tmp_path / "gone", single, empty)]

    assert codes == ["folder_missing", "not_a_folder", "no_model_index"]


@pytest.mark.parametrize("slug", ["", "my model", "sd/15", "sd1.5", "☃", "a" * 51])
def test_a_slug_that_no_request_can_name_is_refused(slug: str, folder: Path) -> None:
    refusal = refusal_of(folder, slug)

    assert (refusal.field, refusal.code) == ("slug", "slug_unusable")
    assert refusal.allowed


ADAPTER_DAMAGES: dict[str, tuple[Damage, str]] = {
    "weights cut short": (cut(WEIGHTS), "weights_damaged"),
    "weights as .bin": (renamed(WEIGHTS, "diffusion_pytorch_model.bin"), "no_safetensors"),
    "a missing layer": (
        reweighted(WEIGHTS, lambda weights: weights.pop(next(iter(weights)))),
        "weights_differ",
    ),
}


@pytest.mark.parametrize("damage", ADAPTER_DAMAGES)
def test_an_adapter_that_cannot_be_loaded_is_refused(
    damage: str, adapter: Path, folder: Path
) -> None:
    register(folder, "base")
    act, code = ADAPTER_DAMAGES[damage]
    act(adapter)

    assert refusal_of(adapter, base="base").code == code


def test_a_card_that_was_registered_before_stays_as_it_was(folder: Path) -> None:
    before = register(folder, "mine")
    cut(f"unet/{WEIGHTS}")(folder)

    with pytest.raises(SpecError):
        register(folder, "mine", name="Other")

    after = ModelCard.objects.get()
    assert (after.name, after.weights_hash) == (before.name, before.weights_hash)


def test_the_command_says_what_is_wrong_in_one_sentence(folder: Path) -> None:
    cut(f"unet/{WEIGHTS}")(folder)

    with pytest.raises(CommandError, match=r"^unet/\S+ is cut short .* Allowed: diffusers' layout"):
        call_command("register_model", str(folder), slug="mine")
