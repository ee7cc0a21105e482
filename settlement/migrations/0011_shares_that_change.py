"""How shares that change inside a month count is said by the agreement; until now, by days."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One required choice; rows that stand were stated by days."""

    dependencies = [("settlement", "0010_what_ifs")]

    operations = [
        migrations.AddField(
            model_name="ownership",
            name="share_change",
            field=models.CharField(
                choices=[("DAYS", "By days"), ("ENERGY", "By the energy delivered on the days")],
                default="DAYS",
                help_text="What the agreement says; the statements of such a month differ.",
                max_length=6,
                verbose_name="shares that change inside a month",
            ),
            preserve_default=False,
        ),
    ]
