"""What customers said is changed by nobody unseen."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    dependencies = [("service", "0005_satisfaction")]
    operations = [Audited("Satisfaction")]
