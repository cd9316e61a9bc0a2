"""One word for one thing: what a run should take is its estimate."""

from django.db import migrations

JOB = ("seconds", "low", "high", "start")
ATTEMPT = ("seconds", "at_quarter")


class Migration(migrations.Migration):
    dependencies = [("generation", "0010_largest_size_text")]

    operations = [
        migrations.RenameField(model, f"predicted_{name}", f"estimated_{name}")
        for model, names in (("job", JOB), ("attempt", ATTEMPT))
        for name in names
    ]
