"""The forecast is summed from two indexes alone: whatever its sums read stands in them."""

import django.contrib.postgres.operations as postgres
from django.db import migrations, models

from crm.core.migrating import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sales", "0002_baseline_ledgers")]
    operations = [
        AddIndexOnline("opportunity", models.Index(fields=["expected_close", "team"], include=["id", "owner", "amount", "stage", "currency", "state", "closed_on"], name="opp_expected", condition=models.Q(state="open"))),
        AddIndexOnline("opportunity", models.Index(fields=["closed_on", "team"], include=["id", "owner", "amount", "stage", "currency", "state"], name="opp_decided", condition=~models.Q(state="open"))),
        postgres.RemoveIndexConcurrently("opportunity", "opp_forecast"),
        postgres.RemoveIndexConcurrently("opportunity", "opp_closed"),
    ]
