"""The queue counts its tabs from the index alone: what is due soon depends on the promise of each case."""

import django.contrib.postgres.operations as postgres
from django.db import migrations, models

from crm.core.migrating import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("service", "0003_overview_indexes")]
    operations = [
        AddIndexOnline("case", models.Index(fields=["due_next", "id"], include=["team", "owner", "state", "type", "rule", "merged_into"], name="case_counted", condition=~models.Q(state__in=["solved", "closed"]))),
        postgres.RemoveIndexConcurrently("case", "case_waiting"),
    ]
