"""A job has a kind, and its shape is JSON where it was a text with a grammar of its own."""

import json
import re

from django.db import migrations, models

DRAWN = re.compile(
    r"(?P<model>[^|]*)\|(?P<type>[^|]*)\|(?P<width>\d+)x(?P<height>\d+)\|(?P<frames>\d+)f\|"
    r"(?P<denoising_steps>\d+)s\|(?P<guided>(un)?guided)\|(?P<scheduler>[^|]*)\|"
    r"(?P<lora_count>\d+)l(?:\|(?P<acceleration>\d+)a)?"
)
AFTER = re.compile(
    r"\|(?P<context_frames>\d+)c(?P<loop>o?)(?P<keeps_frames>k?)\|"
    r"(?P<interpolate>\d+)i(?P<interpolator>[^|]*)\|"
    r"(?P<upscale>\d+)u(?P<upscaler>[^|]*)\|(?P<formats>.*)"
)
NUMBERS = (
    *("width", "height", "frames", "denoising_steps", "lora_count", "acceleration"),
    *("context_frames", "interpolate", "upscale"),
)
USUAL = {
    **{"frames": 1, "denoising_steps": 0, "lora_count": 0, "acceleration": 1},
    **{"context_frames": 16, "interpolate": 1, "upscale": 1, "loop": False},
    **{"keeps_frames": False, "scheduler": "", "interpolator": "", "upscaler": "", "formats": []},
}


def as_json(text):
    """The JSON of a shape in the former grammar; another text stays as it is."""
    drawn = DRAWN.match(text)
    rest = text[drawn.end() :] if drawn else text
    after = AFTER.fullmatch(rest) if rest else None
    if drawn is None or (rest and after is None):
        return text
    found = {**drawn.groupdict("1"), **(after.groupdict() if after else {})}
    found |= {name: int(found[name]) for name in NUMBERS if name in found}
    found["guided"] = found["guided"] == "guided"
    found |= {name: bool(found[name]) for name in ("loop", "keeps_frames") if name in found}
    found["formats"] = [one for one in found.get("formats", "").split("+") if one]
    told = {name: value for name, value in found.items() if value != USUAL.get(name)}
    return json.dumps(told, sort_keys=True, separators=(",", ":"))


def carry_over(apps, schema_editor):
    job_model, attempt_model = (apps.get_model("generation", name) for name in ("Job", "Attempt"))
    for model in (job_model, attempt_model):
        for shape in set(model.objects.order_by().values_list("shape", flat=True)):
            model.objects.filter(shape=shape).update(shape=as_json(shape))
    enhanced = [
        job.pk
        for job in job_model.objects.only("pk", "spec_data").iterator()
        if ((job.spec_data or {}).get("source") or {}).get("use") == "enhance"
    ]
    for start in range(0, len(enhanced), 500):
        job_model.objects.filter(pk__in=enhanced[start : start + 500]).update(kind="enhance")


class Migration(migrations.Migration):
    dependencies = [("generation", "0011_estimated")]

    operations = [
        migrations.AddField(
            "job",
            "kind",
            models.CharField(default="render", help_text="A package of `kinds`.", max_length=20),
        ),
        migrations.AlterField(
            "job",
            "shape",
            models.CharField(
                blank=True,
                help_text="JSON of what makes the run times of jobs alike.",
                max_length=600,
            ),
        ),
        migrations.AlterField(
            "attempt",
            "shape",
            models.CharField(
                help_text="JSON of what makes the run times of jobs alike.", max_length=600
            ),
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
    ]
