"""The overview and the queue count cases from indexes alone."""

import django.contrib.postgres.operations as postgres
from django.db import migrations, models

from crm.core.migrating import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("service", "0002_baseline_ledgers")]
    operations = [
        AddIndexOnline("case", models.Index(fields=["due_next", "id"], include=["team", "owner", "state", "type", "merged_into"], name="case_waiting", condition=~models.Q(state__in=["solved", "closed"]))),
        AddIndexOnline("case", models.Index(fields=["opened_at", "cause"], include=["id", "goodwill", "own_cost", "type", "team", "owner", "merged_into"], name="case_opened")),
        AddIndexOnline("case", models.Index(fields=["solved_at"], include=["id", "due_solution", "type", "team", "owner", "merged_into"], name="case_solved", condition=models.Q(solved_at__isnull=False))),
        postgres.RemoveIndexConcurrently("case", "case_queue"),
        postgres.RemoveIndexConcurrently("case", "case_causes"),
    ]
