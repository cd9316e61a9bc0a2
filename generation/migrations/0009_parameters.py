from django.db import migrations, models
from django.db.models import F


def count_as_half_precision(apps, _editor):
    """Cards from before are counted as so far, until their folder is registered again."""
    apps.get_model("generation", "ModelCard").objects.update(parameters=F("weights_bytes") / 2)


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0008_free_memory'),
    ]

    operations = [
        migrations.AddField(
            model_name='modelcard',
            name='parameters',
            field=models.PositiveBigIntegerField(default=0, editable=False, help_text='How many numbers its weights have.'),
        ),
        migrations.AlterField(
            model_name='modelcard',
            name='weights_bytes',
            field=models.PositiveBigIntegerField(default=0, editable=False, help_text='Size of the files of weights that are loaded.'),
        ),
        migrations.RunPython(count_as_half_precision, migrations.RunPython.noop),
    ]
