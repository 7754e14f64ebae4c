"""What was done about a record is found as fast as what is still to be done: "today" asks when that was last."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from crm.core.migrating import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0005_party_kind_state")]
    operations = [
        AddIndexOnline("task", models.Index(fields=["subject_type", "subject_id", "done_at", "due_at"], name="task_of_subject")),
        RemoveIndexConcurrently("task", "task_subject"),
    ]
