"""The sentences that say why a setting was chosen, each with a code that stays the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from generation.sentences import Sentence
from studio.presentation.reasons import Reason


@dataclass(frozen=True, slots=True)
class Choice(Sentence):
    """The sentence for the cause, and a template for what was chosen."""

    chosen: str

    def because(self, **values: Any) -> Reason:
        """The reason with its values. Raises KeyError for a value that is missing."""
        return Reason(self.code, self.chosen.format(**values), self.say(**values))


# Why the model is not the preferred one.
WEIGHTS_NOT_HELD = Choice(
    "weights_not_held",
    "No device can load {passed} and has the memory for its weights.",
    chosen="Model {model}",
)
WEIGHTS_NOT_FREE = Choice(
    "weights_not_free",
    "No device has enough free memory for the weights of {passed} now.",
    chosen="Model {model}",
)
MORE_SUBJECTS = Choice(
    "more_subjects",
    "The prompt names {subjects} people, and {passed} renders at most {most} well.",
    chosen="Model {model}",
)
MORE_TOKENS = Choice(
    "more_tokens",
    "The prompt has {tokens} tokens, and {passed} reads only {limit}.",
    chosen="Model {model}",
)

# Why a setting has its value.
STYLE_MODEL = Choice(
    "style_model", "The style {style} was made for this model.", chosen="Model {model}"
)
CLIP_MODEL = Choice("clip_model", "This model makes clips.", chosen="Model {model}")
WIDE_FOR_SUBJECTS = Choice(
    "wide_for_subjects",
    "{subjects} people fit better in a wide picture.",
    chosen="{width}×{height}",
)
STYLE_GUIDANCE = Choice(
    "style_guidance", "The style {style} sets it.", chosen="Guidance {guidance:g}"
)
STYLE_SCHEDULER = Choice(
    "style_scheduler", "The style {style} sets it.", chosen="Scheduler {scheduler}"
)
STYLE_STEPS = Choice(
    "style_steps",
    "The style {style} needs {style_steps} steps for a final; a {quality} gets its share of them.",
    chosen="{steps} steps",
)
CHARACTER_LORA = Choice(
    "character_lora", "The character has its own LoRA.", chosen="LoRA of {character}"
)
CHARACTER_LORA_PARTLY = Choice(
    "character_lora_partly",
    "The character has its own LoRA, of which only {lora_fits} of {lora_modules} modules fit the "
    "model {model}; the others have no effect.",
    chosen="LoRA of {character}",
)
WINDOW_NOT_HELD = Choice(
    "window_not_held",
    "No device has the memory to denoise more frames together.",
    chosen="{context_frames} frames at once",
)
WINDOW_NOT_FREE = Choice(
    "window_not_free",
    "No device has enough free memory now to denoise more frames together.",
    chosen="{context_frames} frames at once",
)
STILL_OF_MOTION = Choice(
    "still_of_motion",
    "The prompt describes motion (“{motion}”), which only a clip shows.",
    chosen="A still picture",
)

# What the model does not read of the texts.
_CUT = "has {tokens} tokens, and {model} reads only {limit}. Not read: “{cut}”. "
_CUT += "Put what matters first."
PROMPT_CUT = Choice(
    "prompt_cut", f"The prompt {_CUT}", chosen="The first {limit} tokens of the prompt"
)
NEGATIVE_PROMPT_CUT = Choice(
    "negative_prompt_cut",
    f"The negative prompt {_CUT}",
    chosen="The first {limit} tokens of the negative prompt",
)
NEGATIVE_PROMPT_UNREAD = Choice(
    "negative_prompt_unread",
    "A negative prompt is read only with a guidance above 1, and this is {guidance:g}.",
    chosen="No negative prompt",
)
_STRANGE = "{model} knows almost none of its words and reads the letters one by one. "
_STRANGE += "Most models were trained on English."
PROMPT_STRANGE = Choice(
    "prompt_strange", _STRANGE, chosen="{percent} % of the prompt read as words"
)
NEGATIVE_PROMPT_STRANGE = Choice(
    "negative_prompt_strange",
    _STRANGE,
    chosen="{percent} % of the negative prompt read as words",
)

# Prompt languages of other programs.
_AS_TEXT = "{found} as plain text"
WEIGHT_UNREAD = Choice(
    "weight_unread", "Genga reads no weights of words: put what matters first.", chosen=_AS_TEXT
)
PARENTHESES_UNREAD = Choice(
    "parentheses_unread",
    "Genga does not stress words in parentheses: put what matters first.",
    chosen=_AS_TEXT,
)
BRACKETS_UNREAD = Choice(
    "brackets_unread",
    "Genga neither weakens nor exchanges words in square brackets: leave the brackets out.",
    chosen=_AS_TEXT,
)
BRACES_UNREAD = Choice(
    "braces_unread",
    "Genga does not stress words in braces: put what matters first.",
    chosen=_AS_TEXT,
)
ESCAPES_UNREAD = Choice(
    "escapes_unread",
    "Parentheses and brackets have no meaning for Genga: leave the backslash out.",
    chosen=_AS_TEXT,
)
LORA_UNREAD = Choice(
    "lora_unread",
    "Genga loads no LoRA that is named in a prompt: choose a character that has it.",
    chosen=_AS_TEXT,
)
EMBEDDING_UNREAD = Choice(
    "embedding_unread",
    "Genga loads no embeddings and hypernetworks: leave their names out.",
    chosen=_AS_TEXT,
)
WILDCARD_UNREAD = Choice(
    "wildcard_unread",
    "Genga draws no words at random: write the words that you want.",
    chosen=_AS_TEXT,
)
BREAK_UNREAD = Choice(
    "break_unread",
    "Genga reads a prompt in one piece: BREAK begins no new one.",
    chosen=_AS_TEXT,
)
AND_UNREAD = Choice(
    "and_unread", "Genga does not combine prompts: AND is a word like any other.", chosen=_AS_TEXT
)
OPTIONS_UNREAD = Choice(
    "options_unread",
    "Genga reads no options in a prompt: choose them in the settings.",
    chosen=_AS_TEXT,
)

FEW_WHOLE_STEPS = Choice(
    "few_whole_steps",
    "Only {whole} of {steps} steps are computed in full, so the result will look rough.",
    chosen="Acceleration {acceleration}",
)

LIGHTER_CLIP = Choice(
    "lighter_clip",
    "No device has enough memory for {frames} frames of {width}×{height} pixels.",
    chosen="A lighter clip",
)

# What a limit of time has cost.
_WITHIN = "The render has to be finished within {within}."
LOWER_QUALITY = Choice("lower_quality", _WITHIN, chosen="{quality} instead of final quality")
FEWER_STEPS = Choice("fewer_steps", _WITHIN, chosen="{steps} steps instead of {usual}")
ACCELERATED = Choice(
    "accelerated", _WITHIN, chosen="every {ordinal} step in full, the others with less detail"
)
FEWER_DRAWN = Choice(
    "fewer_drawn", _WITHIN, chosen="{frames} frames drawn, with in-betweens for the others"
)
SMALLER = Choice(
    "smaller", _WITHIN, chosen="{width}×{height} instead of {usual_width}×{usual_height}"
)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """One thing that a limit of time costs, with its values."""

    choice: Choice
    values: Mapping[str, Any]

    @property
    def text(self) -> str:
        """What is given up, as a part of a sentence: "22 steps instead of 30"."""
        return self.choice.chosen.format(**self.values)

    def reason(self, within: str) -> Reason:
        """The same as a reason; `within` is the limit in words."""
        made = self.choice.because(within=within, **self.values)
        return replace(made, chosen=made.chosen[:1].upper() + made.chosen[1:])
