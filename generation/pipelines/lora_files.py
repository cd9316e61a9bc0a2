"""What a LoRA's file holds, read from the table at its beginning. Does not import torch.

Two ways of naming are applied by diffusers: kohya's (`lora_unet_down_blocks_0_….lora_down.weight`)
and diffusers' and peft's (`unet.down_blocks.0.….lora_A.weight`, in its older forms too). A module
is compared by its name with underscores for dots, because kohya's names do not tell them apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from generation.errors import SpecError, public_text
from generation.pipelines import sentences
from generation.pipelines.model_files import ModelFiles, shapes_of, weight_files
from generation.pipelines.registry import family
from generation.sentences import Said

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""A module's name to the shape of its weight, (out, in) or (out, in, height, width)."""

KOHYA = re.compile(
    r"lora_(?P<part>unet|te|te1|te2)_(?P<module>\w+)\."
    r"(?:(?P<half>lora_down|lora_up)\.weight|(?P<scale>alpha))"
)
DIFFUSERS = re.compile(
    r"(?P<part>unet|text_encoder|text_encoder_2|transformer)\.(?P<module>.+?)"
    r"(?:(?:\.lora_|\.lora\.|\.lora_linear_layer\.|_lora\.)(?P<half>A|B|down|up)\.weight"
    r"|(?P<scale>\.lora_magnitude_vector)(?:\.weight)?)"
)
PART_OF = {"te": "text_encoder", "te1": "text_encoder", "te2": "text_encoder_2"}
DOWN = ("lora_down", "A", "down")
OLD_NAME = "_lora."
Halves = dict[tuple[str, str], dict[str, Shape]]

OTHER_ALGORITHMS = (
    ("LoHa weights", re.compile(r"\.hada_")),
    ("LoKr weights", re.compile(r"\.lokr_")),
    ("DoRA weights with kohya's names", re.compile(r"\.dora_scale$")),
    ("(IA)³ weights", re.compile(r"\.on_input$|\.ia3_")),
    ("OFT weights", re.compile(r"\.b?oft_")),
    ("GLoRA weights", re.compile(r"\.[ab][12]\.weight$")),
    ("a LoRA with Tucker decomposition", re.compile(r"\.lora_mid\.")),
    ("whole differences of weights", re.compile(r"\.(diff|diff_b|w_norm|b_norm)$")),
    ("a textual inversion", re.compile(r"^bundle_emb\.|^emb_params$|^string_to_param")),
)
"""Tensors of what diffusers refuses for these families, or would leave out without a word."""

TEXT_WIDTHS = {
    768: "Stable Diffusion 1.x",
    1024: "Stable Diffusion 2.x",
    2048: "Stable Diffusion XL",
}
"""The kind of model by the width of the texts that its UNet reads."""


@dataclass(frozen=True, slots=True)
class LoraModule:
    """The two factors of one weight: `down` (rank, in, …) and `up` (out, rank, …)."""

    part: str
    name: str
    down: Shape
    up: Shape

    @property
    def is_whole(self) -> bool:
        """Whether it has both halves, of one rank."""
        same = len(self.down) == len(self.up) in (2, 4)
        return same and self.down[0] == self.up[1] > 0

    def fits(self, weight: Shape) -> bool:
        """Whether it can be added to a weight of this shape."""
        ones = (1,) * (len(weight) - 2)
        return self.down[1:] == weight[1:] and self.up == (weight[0], self.rank, *ones)

    @property
    def rank(self) -> int:
        """Its rank."""
        return self.down[0]


@dataclass(frozen=True, slots=True)
class LoraWeights:
    """The content of a LoRA's file: its modules, and how they are named and applied."""

    naming: str
    algorithm: str
    modules: tuple[LoraModule, ...]

    @property
    def rank(self) -> str:
        """Its rank in words; "4 to 16" where modules differ."""
        ranks = [module.rank for module in self.modules]
        low, high = min(ranks), max(ranks)
        return str(low) if low == high else f"{low} to {high}"

    @property
    def made_for(self) -> str:
        """The kind of model that it was trained on; empty if its shapes do not tell."""
        if any(module.part == "transformer" for module in self.modules):
            return "a transformer, such as Flux"
        widths = {
            module.down[1]
            for module in self.modules
            if module.part == "unet" and module.name.endswith(("attn2_to_k", "attn2_to_v"))
        }
        return TEXT_WIDTHS.get(widths.pop(), "") if len(widths) == 1 else ""

    def fit(self, targets: Mapping[str, Shapes]) -> LoraFit:
        """How much of it fits a model with these weights, part by part."""
        found = [
            (module, weight)
            for module in self.modules
            if (weight := targets.get(module.part, {}).get(module.name)) is not None
        ]
        fits = sum(module.fits(weight) for module, weight in found)
        return LoraFit(len(self.modules), fits, len(found) - fits)


@dataclass(frozen=True, slots=True)
class LoraFit:
    """How many of a LoRA's modules fit a model, and how many have its names in another size."""

    modules: int
    fits: int
    misshapen: int = 0

    @property
    def applies(self) -> bool:
        """Whether diffusers loads it: it ignores unknown modules, and fails for other sizes."""
        return self.fits > 0 and not self.misshapen

    @property
    def is_partial(self) -> bool:
        """Whether it applies, and some of its modules have no effect."""
        return self.applies and self.fits < self.modules

    def said(self, model: str, rank: str) -> Said:
        """The fit as a sentence."""
        numbers: dict[str, Any] = {"model": model, "fits": self.fits, "modules": self.modules}
        if not self.applies:
            return sentences.LORA_FITS_NOT.said(**numbers, misshapen=self.misshapen)
        fits = sentences.LORA_FITS_PARTLY if self.is_partial else sentences.LORA_FITS
        return fits.said(**numbers, rank=rank)


def read_lora(path: Path) -> LoraWeights:
    """The LoRA in a file. Raises SpecError for the field `lora`, and OSError."""
    try:
        shapes = shapes_of(path)
    except SafetensorError as problem:
        why = public_text(str(problem))
        raise SpecError("lora", sentences.FILE_DAMAGED, file="The file", problem=why) from problem
    if not shapes:
        raise SpecError("lora", sentences.NO_TENSORS)
    for algorithm, pattern in OTHER_ALGORITHMS:
        if any(map(pattern.search, shapes)):
            raise SpecError("lora", sentences.LORA_ALGORITHM, algorithm=algorithm)
    is_kohya = any(map(KOHYA.fullmatch, shapes))
    halves, others = _halves(shapes, KOHYA if is_kohya else DIFFUSERS)
    if others:
        counts: dict[str, Any] = {"count": len(others), "tensors": len(shapes)}
        known = halves or any("lora" in name.lower() for name in shapes)
        sentence = sentences.LORA_NOT_ALONE if known else sentences.NO_LORA
        raise SpecError("lora", sentence, **counts, name=public_text(others[0]))
    is_dora = any("lora_magnitude_vector" in name for name in shapes)
    return LoraWeights(
        "kohya" if is_kohya else "diffusers", "DoRA" if is_dora else "LoRA", _modules(halves)
    )


def lora_targets(files: ModelFiles) -> dict[str, Shapes]:
    """The modules of a model that LoRAs may change, part by part, from the tables of its files.

    Raises SafetensorError, OSError and ValueError for a folder that cannot be read.
    """
    if files.base is not None:
        return lora_targets(files.base)
    return {
        part: targets(
            one for path in weight_files(files.folder / part) for one in shapes_of(path).items()
        )
        for part in family(files.family).lora_parts
    }


def targets(weights: Iterable[tuple[str, Shape]]) -> dict[str, Shape]:
    """The modules of a part that a LoRA may change, from names and shapes of its weights."""
    return {
        _compared(name.removesuffix(".weight")): shape
        for name, shape in weights
        if name.endswith(".weight") and len(shape) in (2, 4)
    }


def _compared(name: str) -> str:
    """A module's name as it is compared: without the level that transformers has removed."""
    return name.replace(".", "_").removeprefix("text_model_")


def _halves(shapes: Shapes, naming: re.Pattern[str]) -> tuple[Halves, list[str]]:
    """The factors of each module, by its part and name, and the tensors that are of none."""
    found: Halves = defaultdict(dict)
    others = []
    for name, shape in shapes.items():
        match = naming.fullmatch(name)
        if match is None:
            others.append(name)
            continue
        part = PART_OF.get(match["part"], match["part"])
        module = _of_old_name(part, match["module"]) if OLD_NAME in name else match["module"]
        half = match["half"] and ("down" if match["half"] in DOWN else "up")
        found[part, _compared(module)][half or "scale"] = shape
    return found, others


def _of_old_name(part: str, name: str) -> str:
    """The module of a name from when diffusers kept LoRAs in processors of the attention."""
    before, _, last = name.replace(".processor.", ".").rpartition(".")
    if part.startswith("text_encoder"):
        return f"{before}.{last.removeprefix('to_')}_proj"
    return f"{before}.{'to_out.0' if last == 'to_out' else last}"


def _modules(halves: Halves) -> tuple[LoraModule, ...]:
    """The modules. Raises SpecError when a half is missing or has another rank."""
    modules = [
        LoraModule(part, name, both.get("down", ()), both.get("up", ()))
        for (part, name), both in halves.items()
    ]
    unpaired = [module.name for module in modules if not module.is_whole]
    if unpaired:
        counts: dict[str, Any] = {"count": len(unpaired), "modules": len(modules)}
        raise SpecError("lora", sentences.LORA_HALVES, **counts, name=public_text(unpaired[0]))
    return tuple(modules)
