import json

from django.db import migrations


def name_enhancements(apps, schema_editor):
    """Write the kind of job into the shapes of enhancements, which have no denoising steps."""
    for model in ("Job", "Attempt"):
        rows = apps.get_model("generation", model).objects.filter(shape__startswith="{")
        without = rows.exclude(shape__contains='"denoising_steps"').exclude(shape__contains='"kind"')
        for text in without.order_by().values_list("shape", flat=True).distinct():
            named = {**json.loads(text), "kind": "enhance"}
            shape = json.dumps(named, sort_keys=True, separators=(",", ":"))
            rows.filter(shape=text).update(shape=shape)


class Migration(migrations.Migration):
    """Shapes of enhancements name their kind; that of a render is omitted."""

    dependencies = [("generation", "0014_reason_codes")]

    operations = [migrations.RunPython(name_enhancements, migrations.RunPython.noop)]
