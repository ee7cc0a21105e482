"""Sources of tenants' energy in order of merit, and the stock that batteries hand on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Pools of sources, parts by source, the carry of an allocation."""

    dependencies = [
        ('meters', '0012_scale_to_total_and_reasons'),
        ('settlement', '0004_pools_of_money'),
    ]

    operations = [
        migrations.AddField(
            model_name='allocationrun',
            name='carry_out',
            field=models.JSONField(default=dict, help_text='What each battery holds at the end, for the next month.'),
        ),
        migrations.AddField(
            model_name='pool',
            name='merit',
            field=models.PositiveSmallIntegerField(blank=True, help_text='SOURCE and STORAGE: whose turn it is, the smallest first.', null=True),
        ),
        migrations.AddField(
            model_name='pool',
            name='storage',
            field=models.JSONField(blank=True, default=dict, help_text='STORAGE: efficiency_ratio, usd_per_kwh by source, opening_period, opening.'),
        ),
        migrations.AlterField(
            model_name='allocationpart',
            name='kind',
            field=models.CharField(choices=[('WHOLE', 'What was split'), ('METERED', 'Own meters'), ('SHARED', 'Share of shared points'), ('LOSS', 'Share of losses'), ('OPERATOR', 'Kept by the operator'), ('TOTAL', 'Delivered'), ('SOURCE', 'From a source')], max_length=8),
        ),
        migrations.AlterField(
            model_name='pool',
            name='kind',
            field=models.CharField(choices=[('LOSS', 'Losses of the campus'), ('ENERGY', 'Energy of shared points'), ('COST', 'Cost'), ('SOURCE', "Source of tenants' energy"), ('STORAGE', 'Battery as a source')], max_length=10),
        ),
        migrations.AlterField(
            model_name='pool',
            name='points',
            field=models.ManyToManyField(blank=True, help_text='ENERGY: the shared points whose energy is split. SOURCE and STORAGE: the meters of the source; the last source without points takes all that no other names.', related_name='+', to='meters.deliverypoint'),
        ),
    ]
