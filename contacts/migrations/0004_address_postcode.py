"""Postcodes by their beginning, as segments ask for them: read from the index instead of folding every address there is."""

from django.contrib.postgres.indexes import OpClass
from django.db import migrations, models

import crm.core.fold
from crm.core.migrating import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0003_duplicates")]
    operations = [AddIndexOnline("postaladdress", models.Index(OpClass(crm.core.fold.Fold("postcode"), name="text_pattern_ops"), name="address_postcode"))]
