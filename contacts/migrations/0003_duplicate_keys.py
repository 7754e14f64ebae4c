"""Keys under which duplicates are looked up, and an index that finds the rows that once belonged to a contact."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

# The history of a contact tells of its addresses and shares, too, also of those that are gone: their audit rows name it.
INDEX = """
CREATE INDEX change_part_of_party ON core_change ((coalesce(
    coalesce(after, before) ->> 'party_id', coalesce(after, before) ->> 'person_id', coalesce(after, before) ->> 'content_object_id'
)))
WHERE op IN ('I', 'D') AND relation IN ('contacts_emailaddress', 'contacts_phonenumber', 'contacts_postaladdress', 'contacts_partyrole',
    'contacts_affiliation', 'contacts_partyuserperm', 'contacts_partygroupperm')
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_ledgers")]
    operations = [
        migrations.AddField(
            model_name="partysearch",
            name="keys",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), default=list, size=None),
        ),
        migrations.AddIndex(model_name="partysearch", index=django.contrib.postgres.indexes.GinIndex(fields=["keys"], name="party_search_keys")),
        migrations.RunSQL(INDEX, "DROP INDEX change_part_of_party"),
    ]
