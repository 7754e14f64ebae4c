"""The database itself keeps the audit and the ledgers, finds the rows that once belonged to a contact, and knows each owner by itself."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited
from crm.core.migrating import count_each_owner

# The history of a contact tells of its addresses, tags and shares, too, also of those that are gone: their audit rows name it.
PART_OF = """
CREATE INDEX change_part_of_party ON core_change ((coalesce(
    coalesce(after, before) ->> 'party_id', coalesce(after, before) ->> 'person_id', coalesce(after, before) ->> 'content_object_id'
)))
WHERE op IN ('I', 'D') AND relation IN ('contacts_emailaddress', 'contacts_phonenumber', 'contacts_postaladdress', 'contacts_partyrole',
    'contacts_partytag', 'contacts_affiliation', 'contacts_partyuserperm', 'contacts_partygroupperm')
"""


class Migration(migrations.Migration):
    replaces = [("contacts", "0015_each_owner_counted")]
    dependencies = [("contacts", "0001_baseline"), ("core", "0003_baseline_ledgers")]
    operations = [
        Audited("Party", ignore=["name", "sort_name"]),
        Audited("PartyRole"),
        Audited("Affiliation"),
        Audited("EmailAddress"),
        Audited("PhoneNumber"),
        Audited("PostalAddress"),
        Audited("Interaction"),
        Audited("Task"),
        Audited("PartyUserPerm"),
        Audited("PartyGroupPerm"),
        Audited("Industry"),
        Audited("HintDismissal"),
        AppendOnly("ConsentEvent"),
        AppendOnly("ConsentWording"),
        Audited("ConsentPurpose"),
        Audited("ConsentState"),
        Audited("Suppression"),
        Audited("Tag"),
        Audited("PartyTag"),
        migrations.RunSQL(PART_OF, "DROP INDEX change_part_of_party"),
        count_each_owner("contacts_party"),
    ]
