"""Reads generation data as the Stable Diffusion web UI does, by the rules of its own parser."""

from __future__ import annotations

import json
import re

_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def parsed(text: str) -> dict[str, str]:
    """Prompt, Negative prompt, and the pairs of the last line, each as text."""
    prompt, negative, in_negative = "", "", False
    *lines, last = text.strip().split("\n")
    if len(_PAIR.findall(last)) < 3:
        lines.append(last)
        last = ""
    for line in map(str.strip, lines):
        if line.startswith("Negative prompt:"):
            in_negative, line = True, line.removeprefix("Negative prompt:").strip()
        if in_negative:
            negative += ("\n" if negative else "") + line
        else:
            prompt += ("\n" if prompt else "") + line
    found = {"Prompt": prompt, "Negative prompt": negative}
    for key, value in _PAIR.findall(last):
        found[key] = json.loads(value) if value.startswith('"') else value
    return found
