"""Seals over the audit and its checks; a changed key, an empty value inside of JSON and TRUNCATE no longer go past the audit."""

import django.utils.timezone
from django.db import migrations, models

from crm.core.ledger import AUDIT_FUNCTION, AppendOnly, AuditedWhole


class Migration(migrations.Migration):
    dependencies = [("core", "0003_baseline_ledgers")]
    operations = [
        migrations.RunSQL(AUDIT_FUNCTION, migrations.RunSQL.noop),
        AuditedWhole(),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("ids", models.TextField()),
                ("missing", models.TextField()),
                ("top", models.BigIntegerField()),
                ("entries", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("snapshot", models.TextField()),
                ("xid", models.BigIntegerField()),
                ("previous", models.CharField(max_length=64)),
                ("mac", models.CharField(max_length=64)),
            ],
            options={"ordering": ["number"]},
        ),
        AppendOnly("Seal"),
        migrations.CreateModel(
            name="AuditCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                ("held", models.BooleanField(null=True, verbose_name="held")),
                ("step", models.PositiveIntegerField(default=0)),
                ("seals", models.PositiveBigIntegerField(default=0, verbose_name="seals checked")),
                ("entries", models.PositiveBigIntegerField(default=0, verbose_name="entries checked")),
                ("tables", models.PositiveIntegerField(default=0, verbose_name="tables compared")),
                ("rows", models.PositiveBigIntegerField(default=0, verbose_name="rows compared")),
                ("found", models.JSONField(default=list, verbose_name="what was found")),
            ],
            options={
                "verbose_name": "check of the audit",
                "verbose_name_plural": "checks of the audit",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("finished_at__isnull", True), ("held__isnull", True)), models.Q(("finished_at__isnull", False), ("held__isnull", False)), _connector="OR"),
                        name="auditcheck_end_known",
                    )
                ],
            },
        ),
    ]
