"""How many firms, customers, leads a list has: they lie together in an index of their own, instead of among all others in the order of names."""

from django.db import migrations, models

from crm.core.migrating import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0004_address_postcode")]
    operations = [AddIndexOnline("party", models.Index(fields=["kind", "state", "id"], include=("team", "owner"), name="party_kind_state"))]
