"""A pool shares energy; what a campus pays is a pool of money, divided by keys of its own."""

from django.db import migrations, models

from poweroptix.kernel.errors import Refused


def refuse_costs(apps, schema_editor):
    """Refuse while a pool of the kind COST stands: nothing ever read it, its owner decides."""
    rows = apps.get_model("settlement", "Pool").objects.filter(kind="COST")
    named = ", ".join(f"{one.campus.code}/{one.code}" for one in rows.select_related("campus"))
    if named:
        text = (
            f"The pools {named} are of the kind COST, which no run reads. Enter each as a pool of "
            "money, delete it, then migrate again."
        )
        raise Refused("settlement.pool_of_cost", text)


class Migration(migrations.Migration):
    """The kind without a purpose goes."""

    dependencies = [("settlement", "0011_shares_that_change")]

    operations = [
        migrations.RunPython(refuse_costs, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="pool",
            name="kind",
            field=models.CharField(
                choices=[
                    ("LOSS", "Losses of the campus"),
                    ("ENERGY", "Energy of shared points"),
                    ("SOURCE", "Source of tenants' energy"),
                    ("STORAGE", "Battery as a source"),
                ],
                max_length=10,
            ),
        ),
    ]
