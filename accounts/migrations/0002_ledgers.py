"""The database itself keeps the audit and the ledgers."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("core", "0003_ledgers")]
    operations = [
        Audited("User", ignore=["password", "last_login"]),
        Audited("Team"),
        Audited("Role"),
        Audited("RoleRight"),
        Audited("FieldRule"),
        Audited("Membership"),
        Audited("TeamUserPerm"),
    ]
