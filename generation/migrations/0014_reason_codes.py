from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0013_measured_and_texts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="reasons",
            field=models.JSONField(
                default=list,
                help_text="Automatic choices: lists of code, choice and cause; older rows have no code.",
            ),
        ),
    ]
