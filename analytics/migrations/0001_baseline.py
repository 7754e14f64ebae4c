"""All tables of figures up to the first release, in one piece; an installation that took the steps before has them already."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [("analytics", name) for name in (
        "0001_initial",
        "0002_ledgers",
    )]

    dependencies = [
        ('accounts', '0001_baseline'),
        ('core', '0001_baseline_functions'),
    ]

    operations = [
        migrations.CreateModel(
            name='ForecastSnapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of', models.DateField()),
                ('opportunity_id', models.BigIntegerField()),
                ('owner_id', models.BigIntegerField(null=True)),
                ('team_id', models.BigIntegerField()),
                ('stage_id', models.BigIntegerField()),
                ('amount', models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ('rate', models.DecimalField(decimal_places=5, max_digits=6)),
                ('sample', models.PositiveIntegerField()),
                ('expected_close', models.DateField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('as_of', 'opportunity_id'), name='snapshot_once_a_day')],
            },
        ),
        migrations.CreateModel(
            name='ReportSubscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='report_subscriptions', to=settings.AUTH_USER_MODEL)),
                ('report', models.CharField(choices=[('forecast', 'Forecast, weekly as PDF'), ('overview', 'Overview, weekly as PDF')], max_length=20)),
                ('since', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'report'), name='subscription_once')],
            },
        ),
    ]
