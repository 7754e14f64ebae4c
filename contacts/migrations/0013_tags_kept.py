"""Tags are audited, and the history of a contact finds those it had."""

from django.db import migrations

from crm.core.ledger import Audited

INDEX = """
DROP INDEX change_part_of_party;
CREATE INDEX change_part_of_party ON core_change ((coalesce(
    coalesce(after, before) ->> 'party_id', coalesce(after, before) ->> 'person_id', coalesce(after, before) ->> 'content_object_id'
)))
WHERE op IN ('I', 'D') AND relation IN ('contacts_emailaddress', 'contacts_phonenumber', 'contacts_postaladdress', 'contacts_partyrole',
    'contacts_partytag', 'contacts_affiliation', 'contacts_partyuserperm', 'contacts_partygroupperm')
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0012_tags")]
    operations = [Audited("Tag"), Audited("PartyTag"), migrations.RunSQL(INDEX, migrations.RunSQL.noop)]
