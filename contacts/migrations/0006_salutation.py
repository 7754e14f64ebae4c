"""What a letter's beginning needs of a person, and what looks wrong about names."""

import contacts.columns
import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Trim

from contacts.namechecks import name_hints
from contacts.salutation import Addressee
from crm.core.ledger import Audited

PERSON = ("salutation", "title", "first_name", "last_name")


def look_at_names(apps, schema_editor):
    """The people who are there already are looked at once; from now on that happens with every change."""
    rows = apps.get_model("contacts", "Party").objects.filter(kind="person").values("pk", *PERSON)
    search = apps.get_model("contacts", "PartySearch").objects
    for row in rows.iterator():
        if keys := [hint.key for hint in name_hints(Addressee(**{name: row[name] for name in PERSON}))]:
            search.filter(party=row["pk"]).update(hints=keys)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0004_city_index"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.AddField("party", "nobility", models.CharField("title of nobility", max_length=40, blank=True, default="", help_text="For instance Gräfin or Freiherr. A mere “von” belongs to the last name.")),
        migrations.AddField("party", "suffix", models.CharField("behind the name", max_length=40, blank=True, default="", help_text="For instance MBA or jun.")),
        migrations.AddField(
            "party", "form_of_address", models.CharField("form of address", max_length=3, choices=[("sie", "formal (Sie)"), ("du", "by first name (Du)")], default="sie")
        ),
        migrations.AddField(
            "party",
            "letter_salutation",
            models.CharField("own salutation", max_length=120, blank=True, default="", help_text="How letters begin, word for word. Leave it empty to let the name decide."),
        ),
        # A generated column is not altered but made anew.
        migrations.RemoveField("party", "name"),
        migrations.AddField(
            "party",
            "name",
            models.GeneratedField(
                expression=models.Case(
                    models.When(kind="organisation", then=models.F("legal_name")),
                    models.When(nobility="", then=Trim(contacts.columns.Pipe(models.F("first_name"), models.Value(" "), models.F("last_name")))),
                    default=Trim(contacts.columns.Pipe(models.F("first_name"), models.Value(" "), models.F("nobility"), models.Value(" "), models.F("last_name"))),
                    output_field=models.TextField(),
                ),
                output_field=models.TextField("name"),
                db_persist=True,
            ),
        ),
        migrations.RemoveConstraint("party", "party_names_fit_kind"),
        migrations.AddConstraint(
            "party",
            models.CheckConstraint(
                condition=(models.Q(kind="person") & ~models.Q(first_name="", last_name="") & models.Q(legal_name=""))
                | (
                    models.Q(kind="organisation")
                    & ~models.Q(legal_name="")
                    & models.Q(first_name="", last_name="", title="", salutation="", nobility="", suffix="", form_of_address="sie")
                ),
                name="party_names_fit_kind",
                violation_error_message="A person needs a first or last name, an organisation needs its name.",
            ),
        ),
        migrations.AddField("partysearch", "hints", django.contrib.postgres.fields.ArrayField(models.CharField(max_length=40), default=list, size=None)),
        migrations.AddIndex("partysearch", models.Index(fields=["party"], name="party_search_hints", condition=~models.Q(hints=[]))),
        migrations.CreateModel(
            "HintDismissal",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField("created", auto_now_add=True)),
                ("updated_at", models.DateTimeField("changed", auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("key", models.CharField(max_length=40)),
                (
                    "created_by",
                    models.ForeignKey(
                        settings.AUTH_USER_MODEL, django.db.models.deletion.PROTECT, null=True, blank=True, db_index=False, editable=False, related_name="+", verbose_name="created by"
                    ),
                ),
                ("party", models.ForeignKey("contacts.party", django.db.models.deletion.CASCADE, related_name="dismissals")),
                (
                    "updated_by",
                    models.ForeignKey(
                        settings.AUTH_USER_MODEL, django.db.models.deletion.PROTECT, null=True, blank=True, db_index=False, editable=False, related_name="+", verbose_name="changed by"
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=["party", "key"], name="hint_dismissed_once")]},
        ),
        Audited("HintDismissal"),
        migrations.RunPython(look_at_names, migrations.RunPython.noop),
    ]
