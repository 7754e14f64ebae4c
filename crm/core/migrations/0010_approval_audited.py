"""The database itself keeps the audit."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    dependencies = [("core", "0009_approval")]
    operations = [Audited("Approval")]
