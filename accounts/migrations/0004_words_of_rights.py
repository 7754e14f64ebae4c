"""Rights are told by name where the set-up lists what was changed in it. Only words change, no table."""

import accounts.models
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_merge_verb'),
    ]

    operations = [
        migrations.AlterField(
            model_name='roleright',
            name='role',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rights', to='accounts.role', verbose_name='role'),
        ),
        migrations.AlterModelOptions(
            name='roleright',
            options={'default_permissions': (), 'verbose_name': 'right', 'verbose_name_plural': 'rights'},
        ),
        migrations.AlterField(
            model_name='fieldrule',
            name='entity',
            field=models.CharField(choices=accounts.models.entity_labels, max_length=40, verbose_name='record'),
        ),
        migrations.AlterField(
            model_name='roleright',
            name='entity',
            field=models.CharField(choices=accounts.models.entity_labels, max_length=40, verbose_name='record'),
        ),
        migrations.AlterField(
            model_name='roleright',
            name='reach',
            field=models.CharField(choices=[('own', 'own'), ('team', 'team'), ('all', 'all')], max_length=4, verbose_name='how far'),
        ),
        migrations.AlterField(
            model_name='roleright',
            name='verb',
            field=models.CharField(choices=[('view', 'See'), ('add', 'Create'), ('change', 'Change'), ('delete', 'Delete'), ('export', 'Export'), ('assign', 'Assign'), ('merge', 'Merge')], max_length=10, verbose_name='what one may do'),
        ),
    ]
