"""Corrections say how newest readings differ from a run's, not which publication once did."""

from django.db import migrations, models

#: The rules of the database are put back after the migrations; the old one forbids this tidying.
KEEP_THE_NEWEST = """
ALTER TABLE settlement_correction DISABLE TRIGGER USER;
DELETE FROM settlement_correction old USING settlement_correction newer
 WHERE old.run_id = newer.run_id AND old.channel_id = newer.channel_id AND old.id < newer.id;
ALTER TABLE settlement_correction ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    """Scope instead of the run that cleared it; one row for a run and a channel."""

    dependencies = [("settlement", "0001_initial")]

    operations = [
        migrations.RunSQL(KEEP_THE_NEWEST, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="correction", name="correction_once"),
        migrations.RemoveField(model_name="correction", name="cleared_by"),
        migrations.AddField(
            model_name="correction",
            name="scope",
            field=models.CharField(
                choices=[("OWN", "Own readings"), ("SHARED", "Shared energy or losses")],
                default="OWN",
                max_length=6,
            ),
        ),
        migrations.AlterField(
            model_name="correction",
            name="publication_id",
            field=models.BigIntegerField(help_text="The newest publication that changed it."),
        ),
        migrations.AlterField(
            model_name="correction",
            name="created_at",
            field=models.DateTimeField(help_text="When that publication became visible."),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.UniqueConstraint(
                fields=("run", "channel_id"), name="correction_once"
            ),
        ),
        migrations.AlterModelOptions(
            name="correction", options={"ordering": ["run_id", "scope", "channel_id"]}
        ),
        migrations.AlterField(
            model_name="line",
            name="estimated_ratio",
            field=models.DecimalField(
                decimal_places=6,
                help_text="Empty where no reading has a say, as with a fee.",
                max_digits=9,
                null=True,
            ),
        ),
    ]
