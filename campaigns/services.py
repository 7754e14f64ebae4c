"""What can happen to a campaign. Facts change in the builder; every step of its state goes through here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import gate, tracking
from campaigns.models import Campaign, CampaignImage, Delivery, MailDesign, Segment, Variant
from campaigns.segments.services import keep_segment
from crm.core.approvals import ask_approval, decide_approval, open_approval, withdraw_approval
from crm.core.erasures import note_erased
from crm.core.errors import RuleBroken
from crm.core.events import emit
from crm.core.jobs import cancel_job, start_job
from crm.core.models import Approval, Installation, Job, OutgoingMail
from crm.core.saving import save_facts
from crm.core.subjects import of_subject
from crm.core.tasks import ring
from crm.core.work import work

RELEASE = "campaigns.release"  # the kind of approval
JOB = "campaigns.write_down"
MOST_VARIANTS = 4
State = Campaign.State


def needs_second(recipients: int) -> bool:
    """May no one release a mail to so many alone?"""
    return recipients > MailDesign.current().four_eyes_above


def stamp(campaign: Campaign) -> tuple[Any, ...]:
    """What was looked at: the campaign, its mails and its segment, each as of a version."""
    mails = tuple(Variant.objects.filter(campaign=campaign).order_by("pk").values_list("pk", "version"))
    segment = Segment.objects.unrestricted().filter(pk=campaign.segment_id or 0).values_list("version", flat=True).first()
    return (campaign.version, campaign.segment_id, segment, mails)


def hold(campaign: Campaign) -> Campaign:
    """The row as it is now, locked until the transaction ends."""
    return Campaign.objects.unrestricted().select_related("snapshot", "segment", "released_by", "job").held(campaign.pk)


def save(held: Campaign, by: Any, **values: Any) -> None:
    """Write a step down."""
    for name, value in values.items():
        setattr(held, name, value)
    held.version += 1
    held.updated_by = by
    held.save(update_fields=[*values, "version", "updated_by", "updated_at"])


def save_campaign(form: Any, *, by: Any) -> Campaign:
    """Save facts of a draft; a new one belongs to whoever began it and has one empty mail. What was asked to be released is a draft again."""
    with work(by=by):
        if form.instance.pk is not None:
            _editable(form.instance, by)
        else:
            form.instance.owner = form.instance.owner or by
            form.instance.team = by.team or form.instance.team
            form.instance.language = form.instance.language or Installation.current().language
        row: Campaign = save_facts(form, by=by)
        if not row.variants.exists():
            Variant.objects.create(campaign=row, position=0, created_by=by, updated_by=by)
        return row


def save_content(campaign: Campaign, position: int, *, subject: str, preheader: str, blocks: list[dict[str, Any]], by: Any, version: int | None = None) -> None:
    """Write down what one mail of a draft says. Raises RuleBroken if it is no longer as it was read (`version`)."""
    with work(by=by):
        _editable(campaign, by)
        variant = campaign.variants.select_for_update().get(position=position)
        if version is not None and variant.version != version:
            raise RuleBroken(_("Somebody else has changed this mail meanwhile. Please open it again; your text is still here to copy."))
        variant.subject, variant.preheader, variant.blocks, variant.updated_by = subject, preheader, blocks, by
        variant.version += 1
        variant.save(update_fields=["subject", "preheader", "blocks", "version", "updated_by", "updated_at"])


def add_variant(campaign: Campaign, *, by: Any) -> Variant:
    """One more mail to test, a copy of the last."""
    with work(by=by):
        _editable(campaign, by)
        last = campaign.variants.order_by("-position").first()
        assert last is not None
        if last.position + 1 >= MOST_VARIANTS:
            raise RuleBroken(_("More than %(n)s mails at once make no test that ends.") % {"n": MOST_VARIANTS})
        made: Variant = Variant.objects.create(
            campaign=campaign, position=last.position + 1, subject=last.subject, preheader=last.preheader, blocks=last.blocks, created_by=by, updated_by=by
        )
        return made


def remove_variant(campaign: Campaign, *, by: Any) -> None:
    """The last mail is no longer tested. One always stays."""
    with work(by=by):
        _editable(campaign, by)
        last = campaign.variants.order_by("-position").first()
        if last is None or last.position == 0:
            raise RuleBroken(_("One mail has to stay."))
        last.delete()


def keep_image(campaign: Campaign, digest: str, kind: str, size: int) -> None:
    """An image belongs to a campaign. Its bytes are kept already."""
    CampaignImage.objects.get_or_create(campaign=campaign, file_id=digest, defaults={"kind": kind, "size": size})


def count_touches(campaign: Campaign, *, counts: bool, by: Any) -> None:
    """Opens and clicks of this campaign are counted, of those who agreed to it; or they are not."""
    with work(by=by):
        _editable(campaign, by)
        if counts and not tracking.may_count():
            raise RuleBroken(_("Nobody is asked yet whether opens and clicks may be counted: the CRM manager activates this purpose in the set-up."))
        save(hold(campaign), by, counts=counts)


def release_campaign(campaign: Campaign, *, recipients: int, by: Any, at: datetime | None = None, seen: tuple[Any, ...] | None = None) -> Approval | None:
    """Let it go at its time. With many recipients a second person is asked: returns the question, None if it is released.

    The page has checked it as of `seen` (`stamp`); what is wrong with it stands in `campaigns.preflight`.
    """
    with work(by=by):
        held = hold(campaign)
        if held.state != State.DRAFT:
            raise RuleBroken(_("This campaign is no draft any more."))
        if seen is not None and stamp(held) != seen:
            raise RuleBroken(_("Somebody has changed something meanwhile. Please look at the check again."))
        if not needs_second(recipients):
            _release(held, by, at or timezone.now())
            return None
        save(held, by, state=State.READY)
        asked = ask_approval(held, RELEASE, by=by, at=at, recipients=recipients)
        emit("campaigns.release_asked", held, by=by, approval=asked.pk)
        return asked


def decide_release(campaign: Campaign, *, granted: bool, by: Any, note: str = "", at: datetime | None = None) -> Approval:
    """The second pair of eyes: yes lets it go, no makes it a draft again. Nobody releases what they asked for."""
    with work(by=by):
        held = hold(campaign)
        asked = open_approval(held, RELEASE)
        if asked is None or held.state != State.READY:
            raise RuleBroken(_("Nobody asks for a release here any more."))
        at = at or timezone.now()
        if granted and segment_changed(held, asked.asked_at):
            raise RuleBroken(_("The segment was changed after the request. Please have the release asked for again."))
        decided = decide_approval(asked, by=by, granted=granted, note=note, at=at)
        if granted:
            _release(held, by, at)  # at the same time: so it is known later that two released it
        else:
            save(held, by, state=State.DRAFT)
        emit("campaigns.release_decided", held, by=by, approval=decided.pk)
        return decided


def unrelease_campaign(campaign: Campaign, *, by: Any) -> None:
    """Back to a draft, as long as it has not begun."""
    with work(by=by):
        held = hold(campaign)
        if held.state not in {State.READY, State.RELEASED}:
            raise RuleBroken(_("This campaign has begun and is no draft any more."))
        withdraw_approval(held, RELEASE, by=by)
        save(held, by, state=State.DRAFT, released_by=None, released_at=None)


def segment_changed(held: Campaign, since: datetime) -> bool:
    """Is the segment no longer what was looked at?"""
    return held.segment is not None and held.segment.updated_at > since


def put_back(held: Campaign, reason: str) -> None:
    """It cannot begin as it was released: a draft again, and those it concerns are told why (`reason`: changed, many, words or gone)."""
    with work():
        emit("campaigns.put_back", held, reason=reason, releaser=held.released_by_id)
        save(held, None, state=State.DRAFT, released_by=None, released_at=None)


def released_by_two(held: Campaign) -> bool:
    """Did a second person release it?"""
    return Approval.objects.filter(of_subject(held), kind=RELEASE, granted=True, decided_by=held.released_by_id, decided_at=held.released_at).exists()


def pause_campaign(campaign: Campaign, *, by: Any) -> None:
    """No further mail is handed over. Those on their way this second arrive."""
    with work(by=by):
        held = hold(campaign)
        if held.state != State.RUNNING:
            raise RuleBroken(_("Only a campaign that is being sent can be paused."))
        save(held, by, state=State.PAUSED)


def resume_campaign(campaign: Campaign, *, by: Any) -> None:
    """Go on. What was withheld while it rested is planned again; each mail asks anew whether it may leave."""
    with work(by=by):
        held = hold(campaign)
        if held.state != State.PAUSED:
            raise RuleBroken(_("This campaign is not paused."))
        save(held, by, state=State.RUNNING)
        go_on(held)


def go_on(running: Campaign) -> int:
    """Plan again what was withheld while the campaign rested and may still leave. Returns how many."""
    withheld = OutgoingMail.objects.filter(delivery__campaign=running, state=OutgoingMail.State.WITHDRAWN).values("pk")
    mails = OutgoingMail.objects.filter(gate.still(), pk__in=withheld, state=OutgoingMail.State.WITHDRAWN)
    count = mails.update(state=OutgoingMail.State.PLANNED, due_at=timezone.now(), answer="", give_up_at=None)
    if count:
        ring("crm.core.tasks.send_mails")
    return count


def cancel_campaign(campaign: Campaign, *, by: Any, at: datetime | None = None) -> None:
    """End it. What has not left never leaves."""
    with work(by=by):
        job = Job.objects.filter(pk__in=Campaign.objects.unrestricted().filter(pk=campaign.pk).values("job")).first()
        if job is not None and job.is_open:
            cancel_job(job, by=job.by)  # before the campaign is held: the job itself takes them in this order
        held = hold(campaign)
        if held.state not in {State.RELEASED, State.RUNNING, State.PAUSED}:
            raise RuleBroken(_("There is nothing to cancel."))
        save(held, by, state=State.CANCELLED, ended_at=at or timezone.now())
        mine = OutgoingMail.objects.filter(delivery__campaign=held).values("pk")
        OutgoingMail.objects.filter(pk__in=mine, state__in=OutgoingMail.WAITING).update(state=OutgoingMail.State.WITHDRAWN, answer=_("The campaign was cancelled."))


def delete_campaign(campaign: Campaign, *, by: Any) -> None:
    """Remove a draft. What somebody may have got stays."""
    with work(by=by):
        held = hold(campaign)
        if held.has_left or Delivery.objects.unrestricted().filter(campaign=held).exists():
            raise RuleBroken(_("This campaign has been sent to people and stays as it is."))
        withdraw_approval(held, RELEASE, by=by)
        note_erased(Campaign, [held.pk])
        held.delete()


def start_writing(held: Campaign, at: datetime) -> None:
    """Released → running: keep who is in the segment now, and begin to write down who gets it."""
    assert held.segment is not None
    snapshot = keep_segment(held.segment, by=held.released_by, at=at)
    words = _("Recipients of %(name)s") % {"name": held.name}
    job = start_job(JOB, by=held.released_by, label=words, url=reverse("campaign-detail", args=[held.pk]), total=snapshot.size, campaign=held.pk)
    save(held, held.released_by, state=State.RUNNING, started_at=at, snapshot=snapshot, job=job)


def _release(held: Campaign, by: Any, at: datetime) -> None:
    if held.segment_id is None:
        raise RuleBroken(_("Who is to get it? Please choose a segment."))
    if held.purpose_id is None:
        raise RuleBroken(_("What for? Please choose the purpose people have agreed to."))
    save(held, by, state=State.RELEASED, released_by=by, released_at=at)


def _editable(campaign: Campaign, by: Any) -> None:
    """Raise RuleBroken for a campaign that has left the builder; take back what was asked for."""
    held = hold(campaign)
    if not held.is_draft:
        raise RuleBroken(_("This campaign is released and does not change any more. Take the release back first."))
    if held.state == State.READY:
        withdraw_approval(held, RELEASE, by=by)
        Campaign.objects.filter(pk=held.pk).update(state=State.DRAFT)
