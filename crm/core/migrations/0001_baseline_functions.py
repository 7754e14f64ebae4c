"""Functions the tables lean on: folding for search and order, the audit, the append-only guard."""

from django.db import migrations

from crm.core.fold import FOLD_SQL
from crm.core.ledger import APPEND_ONLY_FUNCTION, AUDIT_FUNCTION


class Migration(migrations.Migration):
    replaces = [("core", "0001_functions")]
    dependencies = []
    operations = [
        migrations.RunSQL(FOLD_SQL, "DROP FUNCTION crm_grams(text); DROP FUNCTION crm_fold(text); DROP FUNCTION crm_sort(text)"),
        migrations.RunSQL(AUDIT_FUNCTION, "DROP FUNCTION core_audit()"),
        migrations.RunSQL(APPEND_ONLY_FUNCTION, "DROP FUNCTION core_append_only()"),
    ]
