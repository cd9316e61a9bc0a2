"""Which settings a request gets that names none, and why: a table of rules that one can read.

What a person names is never changed. For the rest the prompt's demands count (how many people, how
much motion, how long a text), what the character and the style bring along, and the memory of the
devices. Each rule that chose something leaves its reason on the job.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from generation.models import ModelCard
from generation.specs import SIZE_MULTIPLE, MediaType, Quality
from studio.models import Character, Style

WIDE = 4 / 3
"""Width over height of a picture with several people."""
SMALL_WINDOW = 8
"""Frames that are denoised together where the usual number does not fit the memory."""
USUAL_TOKENS = 77
"""What CLIP reads of a text, for models that do not say."""
NUMBERS = {"two": 2, "three": 3, "four": 4, "both": 2, "couple": 2, "group": 4, "crowd": 6}
_TAGS = re.compile(r"\b(\d+)\s*\+?\s*(?:girl|boy|person|people|character|woman|women|man|men)s?\b")
_WORDS = re.compile(rf"\b({'|'.join(NUMBERS)})\b")
_MOTION = re.compile(
    r"\b(runs?|running|walks?|walking|jumps?|jumping|danc\w+|turns?|turning|fl(?:y|ies|ying)|"
    r"fight\w*|spins?|spinning|wav(?:es|ing)|talks?|talking|camera (?:pans?|moves?))\b"
)
Reason = tuple[str, str]
"""What was chosen, and why."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What a prompt asks for: people in the picture, words of motion, tokens of the text."""

    subjects: int
    motion: str
    tokens: int
    limit: int

    @classmethod
    def of(cls, prompt: str, model: ModelCard) -> Demands:
        """Read from the whole prompt, the words of character and style among it."""
        text = prompt.lower()
        named = sum(int(number) for number in _TAGS.findall(text))
        spoken = max((NUMBERS[word] for word in _WORDS.findall(text)), default=0)
        moving = _MOTION.search(text)
        tokenizer = (model.base or model).path / "tokenizer"
        return cls(
            max(named, spoken),
            moving.group(0) if moving else "",
            _tokens(tokenizer, text),
            _limit(tokenizer),
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as the rules see it; None for what nobody named."""

    type: str
    quality: Quality
    width: int | None
    height: int | None
    steps: int | None
    guidance: float | None
    model: ModelCard | None
    character: Character | None
    style: Style | None


@dataclass(slots=True)
class Workflow:
    """The settings so far and the reasons for what was chosen."""

    wish: Wish
    demands: Demands
    model: ModelCard
    settings: dict[str, Any]
    window_fits: bool = True
    """Whether some device's memory holds the frames that the model likes to see at once."""
    reasons: list[Reason] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rule:
    """When it applies, what it sets, and the reason that is told; both texts may name settings."""

    when: Callable[[Workflow], bool]
    sets: Callable[[Workflow], dict[str, Any]]
    what: str
    why: str


RULES: tuple[Rule, ...] = (
    Rule(
        lambda flow: bool(flow.wish.style and flow.wish.style.model == flow.model),
        lambda flow: {},
        "Model {model}",
        "The style {style} was made for it.",
    ),
    Rule(
        lambda flow: flow.wish.model is None and flow.wish.type == MediaType.VIDEO,
        lambda flow: {},
        "Model {model}",
        "It makes clips.",
    ),
    Rule(
        lambda flow: _free_size(flow) and flow.demands.subjects > 1 and _has_room(flow),
        lambda flow: {"height": _less_high(flow)},
        "{width}x{height}",
        "{subjects} people stand side by side better in a wide picture.",
    ),
    Rule(
        lambda flow: flow.wish.guidance is None and _style_wish(flow, "guidance") is not None,
        lambda flow: {"guidance": _style_wish(flow, "guidance")},
        "Guidance {guidance:g}",
        "The style {style} asks for it.",
    ),
    Rule(
        lambda flow: bool(_style_wish(flow, "scheduler")),
        lambda flow: {"scheduler": _style_wish(flow, "scheduler")},
        "Scheduler {scheduler}",
        "The style {style} asks for it.",
    ),
    Rule(
        lambda flow: flow.wish.steps is None and _style_wish(flow, "steps") is not None,
        lambda flow: {},
        "{steps} steps",
        "The style {style} is finished after {style_steps}; a {quality} takes its share of them.",
    ),
    Rule(
        lambda flow: bool(flow.wish.character and flow.wish.character.lora),
        lambda flow: {},
        "Weights of {character}",
        "The character brings a LoRA of its own.",
    ),
    Rule(
        lambda flow: flow.wish.type == MediaType.VIDEO and not flow.window_fits,
        lambda flow: {"context_frames": min(SMALL_WINDOW, flow.model.context_frames)},
        "{context_frames} frames at once",
        "More of them do not fit the memory of any device.",
    ),
    Rule(
        lambda flow: flow.wish.type == MediaType.IMAGE and bool(flow.demands.motion),
        lambda flow: {},
        "A still picture",
        "The prompt speaks of motion (“{motion}”): a clip would show it.",
    ),
    Rule(
        lambda flow: flow.demands.tokens > flow.demands.limit,
        lambda flow: {},
        "The first {limit} tokens of the prompt",
        "It has {tokens}, and {model} reads no more: put what matters first.",
    ),
)


def choose(
    wish: Wish, prompt: str, model: ModelCard, settings: dict[str, Any], *, window_fits: bool
) -> Workflow:
    """Apply every rule in order to the settings that the model likes."""
    flow = Workflow(wish, Demands.of(prompt, model), model, dict(settings), window_fits)
    for rule in RULES:
        if rule.when(flow):
            flow.settings.update(rule.sets(flow))
            words = _words(flow)
            flow.reasons.append((rule.what.format(**words), rule.why.format(**words)))
    return flow


def _words(flow: Workflow) -> dict[str, Any]:
    style, character = flow.wish.style, flow.wish.character
    return {
        **flow.settings,
        "model": flow.model.name,
        "style": style.name if style else "",
        "style_steps": style.steps if style else "",
        "character": character.name if character else "",
        "quality": flow.wish.quality.value,
        "subjects": flow.demands.subjects,
        "motion": flow.demands.motion,
        "tokens": flow.demands.tokens,
        "limit": flow.demands.limit,
    }


def _style_wish(flow: Workflow, name: str) -> Any:
    return getattr(flow.wish.style, name) if flow.wish.style else None


def _free_size(flow: Workflow) -> bool:
    return flow.wish.width is None and flow.wish.height is None


def _less_high(flow: Workflow) -> int:
    return int(flow.settings["width"] / WIDE) // SIZE_MULTIPLE * SIZE_MULTIPLE


def _has_room(flow: Workflow) -> bool:
    return flow.model.limits.min_size <= _less_high(flow) < int(flow.settings["height"])


@lru_cache(maxsize=8)
def _tokenizer(folder: Path) -> Tokenizer | None:
    path = folder / "tokenizer.json"
    return Tokenizer.from_file(str(path)) if path.is_file() else None


def _tokens(folder: Path, text: str) -> int:
    """Tokens of a text with its two marks; of a model without the file its words and commas."""
    tokenizer = _tokenizer(folder)
    if tokenizer is None:
        return len(re.findall(r"\w+|[^\w\s]", text)) + 2
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return len(tokenizer.encode(text).ids)


@lru_cache(maxsize=8)
def _limit(folder: Path) -> int:
    """How many tokens the model reads."""
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text()).get("model_max_length") if path.is_file() else None
    return int(said) if said and said < 10_000 else USUAL_TOKENS
