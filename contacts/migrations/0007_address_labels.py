"""What an address is for is chosen, not typed; and one number stands once per contact."""

from django.db import migrations, models

from crm.core.work import work

KNOWN = ("office", "private", "invoice", "other")


def choose_labels(apps, schema_editor):
    """A label typed in words until now that is none of the choices becomes "other"; none at all means the office, as for telephones."""
    rows = apps.get_model("contacts", "EmailAddress").objects
    with work():
        rows.exclude(label__in=[*KNOWN, ""]).update(label="other")
        rows.filter(label="").update(label="office")


class Migration(migrations.Migration):
    dependencies = [("contacts", "0006_salutation")]
    operations = [
        migrations.RunPython(choose_labels, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="emailaddress",
            name="label",
            field=models.CharField(
                choices=[("office", "office"), ("private", "private"), ("invoice", "invoice"), ("other", "other")], default="office", max_length=10, verbose_name="label"
            ),
        ),
        migrations.AlterField(
            model_name="phonenumber",
            name="label",
            field=models.CharField(
                choices=[("office", "office"), ("mobile", "mobile"), ("central", "switchboard"), ("private", "private"), ("fax", "fax"), ("other", "other")],
                default="office",
                max_length=10,
                verbose_name="label",
            ),
        ),
        migrations.AddField(
            model_name="postaladdress",
            name="label",
            field=models.CharField(
                choices=[("office", "office"), ("invoice", "invoice"), ("delivery", "delivery"), ("private", "private"), ("other", "other")],
                default="office",
                max_length=10,
                verbose_name="label",
            ),
        ),
        migrations.AddConstraint(
            model_name="phonenumber",
            constraint=models.UniqueConstraint(fields=("party", "number"), name="phone_once_per_party", violation_error_message="This contact has this number already."),
        ),
    ]
