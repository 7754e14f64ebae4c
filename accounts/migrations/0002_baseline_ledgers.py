"""The database itself keeps the audit."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    replaces = [("accounts", "0004_role_start_page")]
    dependencies = [("accounts", "0001_baseline"), ("core", "0003_baseline_ledgers")]
    operations = [
        Audited("User", ignore=["password", "last_login"]),
        Audited("Team"),
        Audited("Role"),
        Audited("RoleRight"),
        Audited("FieldRule"),
        Audited("Membership"),
        Audited("TeamUserPerm"),
        Audited("Deputy"),
    ]
