import django.contrib.postgres.indexes
from django.db import migrations, models

import facility.workflow.ids


class Migration(migrations.Migration):
    """Seals are made anew: the old ones hashed all heads each time, which no long trail could be checked against."""

    dependencies = [("workflow", "0002_jobs_without_leases")]

    operations = [
        migrations.DeleteModel("Seal"),
        migrations.CreateModel(
            name="Seal",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=facility.workflow.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("until", models.DateTimeField(unique=True)),
                ("chains", models.PositiveIntegerField()),
                ("entries", models.PositiveBigIntegerField()),
                ("previous", models.CharField(blank=True, default="", max_length=64)),
                ("sha256", models.CharField(max_length=64)),
            ],
        ),
        migrations.AddIndex(
            model_name="entry",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="entry_by_instant"),
        ),
    ]
