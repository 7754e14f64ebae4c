"""Who changes the words of mails is written down."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    dependencies = [("core", "0011_mail_text")]
    operations = [Audited("MailText")]
