"""Who changes how cases come in is written down."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    dependencies = [("service", "0003_desk_setup")]
    operations = [Audited("DeskSetup")]
