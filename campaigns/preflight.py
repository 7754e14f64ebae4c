"""Everything that is looked at before a campaign is released: its mails, its people, its sender. What is bad stops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.ab import needed
from campaigns.content import PLACEHOLDERS, check
from campaigns.models import Campaign, MailDesign
from campaigns.recipients import compiled
from contacts.models import Channel, ConsentWording
from crm.core import formats
from crm.core.mail.addresses import domain_of, read_mailbox
from crm.core.mail.records import Finding, look_up
from crm.core.mail.server import only_a_folder, server_of
from crm.core.models import MailSetup

USUAL_RATE = 0.03  # of people who answer a mail to many, where nothing is known yet


@dataclass(frozen=True)
class Line:
    """One line of the check: `state` is good, warn or bad; `url` where it is put right."""

    state: str
    text: str
    url: str = ""


def preflight(campaign: Campaign, *, recipients: int | None, gaps: int, per_arm: int, findings: Sequence[Finding] | None = None) -> list[Line]:
    """The lines, the worst first. `recipients` would get it (None: it takes too long to count), `gaps` of them with something missing; `findings` are DNS's, if it was asked."""
    lines = [*_whole(campaign, recipients), *_mails(campaign)]
    if gaps:
        words = ngettext("With %(n)s recipient something is missing in the mail.", "With %(n)s recipients something is missing in the mail.", gaps) % {"n": formats.number(gaps)}
        lines.append(Line("warn", words, f"{reverse('campaign-gaps', args=[campaign.pk])}"))
    if campaign.variants.count() > 1 and recipients:
        lines.append(_power(campaign, per_arm))
    lines += _sender(findings)
    order = {"bad": 0, "warn": 1, "good": 2}
    return sorted(lines, key=lambda line: order[line.state])


def _whole(campaign: Campaign, recipients: int | None) -> list[Line]:
    edit = reverse("campaign-update", args=[campaign.pk])
    found = []
    if campaign.segment_id is None:
        found.append(Line("bad", _("Nobody is chosen to get it."), f"{edit}?step=goal"))
    elif campaign.purpose is not None and recipients is None:
        found.append(Line("warn", _("There is too much to count for a page just now. Nothing is wrong with the segment: a campaign counts it when it writes down who gets it.")))
    elif campaign.purpose is not None and not recipients:
        found.append(Line("bad", _("Nobody would get it: everybody of the segment is left out."), f"{edit}?step=goal"))
    elif campaign.purpose is not None and recipients:
        words = ngettext("%(n)s person gets it.", "%(n)s people get it.", recipients) % {"n": formats.number(recipients)}
        found.append(Line("good", words))
    if campaign.purpose is None:
        found.append(Line("bad", _("The purpose is missing: who has agreed to what?"), f"{edit}?step=goal"))
    elif not ConsentWording.objects.filter(purpose=campaign.purpose, channel=Channel.EMAIL).exists():
        found.append(Line("bad", _("For this purpose there are no words anybody could have agreed to.")))
    if not MailDesign.current().imprint.strip():
        found.append(Line("bad", _("The imprint is missing. The CRM manager enters it under “Design of mails to many”.")))
    if campaign.send_at is not None and campaign.send_at < timezone.now():
        found.append(Line("bad", _("The time to send it has passed."), f"{edit}?step=schedule"))
    return found


def _mails(campaign: Campaign) -> list[Line]:
    files, pairs, lines = dict(campaign.images.values_list("file_id", "size")), compiled(campaign), []
    for variant, mail in pairs:
        url = f"{reverse('campaign-update', args=[campaign.pk])}?step=content&variant={variant.position}"
        name = _("Mail %(letter)s: ") % {"letter": variant.letter} if len(pairs) > 1 else ""
        found = check(variant.subject, variant.preheader, variant.blocks, mail, known=PLACEHOLDERS, files=files)
        lines += [Line(one.state, name + one.text, f"{url}#part-{one.block}" if one.block else url) for one in found]
        if not found:
            words = _("Words, links, images, imprint and the link to unsubscribe are in order, %(kb)s KB.")
            lines.append(Line("good", name + words % {"kb": formats.number((len(mail.html.encode()) + sum(files.get(one, 0) for one in mail.images)) // 1024 + 1)}))
    said = {(variant.subject, variant.preheader, str(variant.blocks)) for variant, _mail in pairs}
    if len(said) < len(pairs):
        lines.append(Line("bad", _("Two of the mails say the same. Change one, or test fewer."), f"{reverse('campaign-update', args=[campaign.pk])}?step=content"))
    return lines


def _power(campaign: Campaign, per_arm: int) -> Line:
    wanted = needed(USUAL_RATE, campaign.effect / 100, campaign.variants.count())
    facts = {"n": formats.number(per_arm), "wanted": formats.number(wanted), "rate": formats.percent(USUAL_RATE)}
    if per_arm < wanted:
        return Line(
            "warn", _("%(n)s people per mail are few: if %(rate)s answer, about %(wanted)s are needed. The test may well end without a winner.") % facts, f"{reverse('campaign-update', args=[campaign.pk])}?step=test"
        )
    return Line("good", _("%(n)s people per mail suffice to find the difference if %(rate)s answer (about %(wanted)s are needed).") % facts)


def _sender(findings: Sequence[Finding] | None) -> list[Line]:
    setup = MailSetup.current()
    lines = [Line("bad", words)] if (words := reaches_nobody(setup)) else []
    if setup.lock:
        lines.append(Line("warn", _("Sending is locked at present: nothing leaves until the CRM manager opens it.")))
    elif setup.trouble:
        lines.append(Line("warn", _("The mail server could not be reached at the last try.")))
    return [*lines, *(Line("good" if one.state == "good" else "warn", f"{one.name}: {one.text}") for one in findings or ())]


def reaches_nobody(setup: MailSetup) -> str:
    """Why no mail would arrive, for whoever writes it; "" where they leave the house."""
    if not only_a_folder(setup):
        return ""
    return _("No mail server is entered yet: mails would only be written to a folder and reach nobody. The CRM manager enters it under “Sending of mail”.")


def ask_dns(campaign: Campaign) -> list[Finding]:
    """What DNS says about the sender's domain; takes some seconds, so somebody presses a button for it."""
    setup = MailSetup.current()
    address: Any = read_mailbox(campaign.sender)[1] if campaign.sender else server_of(setup).sender[1]
    return look_up(domain_of(address), setup.dkim_selector)
