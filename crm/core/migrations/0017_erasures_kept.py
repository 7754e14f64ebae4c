"""The list of what was erased only grows."""

from django.db import migrations

from crm.core.ledger import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("core", "0016_erasures_and_drills")]
    operations = [AppendOnly("Erasure")]
