"""Cities are found by how their names begin, whichever way they are spelled."""

from django.contrib.postgres.indexes import OpClass
from django.db import migrations, models

import crm.core.fold


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_duplicate_keys")]
    operations = [
        migrations.AddIndex(
            model_name="postaladdress",
            index=models.Index(OpClass(crm.core.fold.Fold("city"), "text_pattern_ops"), name="address_city"),
        ),
    ]
