"""What mails carried in themselves becomes a file of its own; whoever was being handed over when the old worker ended is unclear."""

import hashlib

from django.db import migrations
from django.db.models import F, Func, Value
from django.db.models.functions import Lower


def carry(apps, schema_editor):
    apps.get_model("core", "MailSetup").objects.get_or_create(pk=1)
    mails = apps.get_model("core", "OutgoingMail").objects
    files, attachments = apps.get_model("core", "MailFile").objects, apps.get_model("core", "MailAttachment").objects
    for mail in mails.exclude(attachment_name="").iterator():
        data = bytes(mail.attachment)
        file, _fresh = files.get_or_create(digest=hashlib.sha256(data).hexdigest(), defaults={"data": data})
        attachments.create(mail=mail, file=file, name=mail.attachment_name, kind="application/pdf")
    mails.filter(state="handing").update(state="unclear")
    mails.update(domain=Lower(Func(F("to"), Value("@"), Value(2), function="split_part")))


class Migration(migrations.Migration):
    dependencies = [("core", "0006_outgoing_mail")]
    operations = [migrations.RunPython(carry, migrations.RunPython.noop)]
