"""All tables of the price list up to the first release, in one piece; an installation that took the steps before has them already."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [("catalog", "0001_initial")]

    dependencies = [
        ('accounts', '0001_baseline'),
        ('core', '0001_baseline_functions'),
    ]

    operations = [
        migrations.CreateModel(
            name='Currency',
            fields=[
                ('code', models.CharField(max_length=3, primary_key=True, serialize=False, verbose_name='code')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'currency',
                'verbose_name_plural': 'currencies',
                'ordering': ['code'],
                'constraints': [models.CheckConstraint(condition=models.Q(('code__regex', '^[A-Z]{3}$')), name='currency_code')],
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('created_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='created by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('updated_by', models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='changed by')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(max_length=60, unique=True, verbose_name='article number')),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('series', models.CharField(blank=True, default='', max_length=60, verbose_name='series')),
                ('active', models.BooleanField(default=True, verbose_name='on the price list')),
            ],
            options={
                'verbose_name': 'product',
                'verbose_name_plural': 'products',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Price',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='prices', to='catalog.product', verbose_name='product')),
                ('currency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.currency', verbose_name='currency')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('amount', models.DecimalField(decimal_places=2, max_digits=14, verbose_name='list price')),
            ],
            options={
                'verbose_name': 'price',
                'verbose_name_plural': 'prices',
                'ordering': ['-valid_from'],
                'constraints': [models.UniqueConstraint(fields=('product', 'currency', 'valid_from'), name='price_once_a_day', violation_error_message='There is a price from this day on already.'), models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='price_not_negative', violation_error_message='A price cannot be negative.')],
            },
        ),
        migrations.CreateModel(
            name='Rate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rates', to='catalog.currency', verbose_name='currency')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('value', models.DecimalField(decimal_places=6, max_digits=14, verbose_name='value in house currency')),
            ],
            options={
                'verbose_name': 'exchange rate',
                'verbose_name_plural': 'exchange rates',
                'ordering': ['currency', '-valid_from'],
                'constraints': [models.UniqueConstraint(fields=('currency', 'valid_from'), name='rate_once_a_day'), models.CheckConstraint(condition=models.Q(('value__gt', 0)), name='rate_positive')],
            },
        ),
    ]
