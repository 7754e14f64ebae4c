"""What can be done with a campaign: its content, its preview, its release, and holding it while it is sent."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin

from campaigns import audience, builder, report, services
from campaigns.blocks import ContentForm, rearranged
from campaigns.content import PREFERENCES, UNSUBSCRIBE, Mail, compile_mail
from campaigns.crud import Campaigns
from campaigns.forms import CostForm, DecideForm
from campaigns.models import Campaign
from campaigns.recipients import compiled, design_of, gaps_of, words_of
from campaigns.sending import files_of
from contacts.models import Party
from crm.core import formats
from crm.core.access import hidden_fields
from crm.core.errors import RuleBroken
from crm.core.feedback import say
from crm.core.keys import number_from
from crm.core.mail.plan import Recipient, draft_mail, plan_many
from crm.core.models import MailFile
from crm.core.views import action
from crm.core.work import work

State = Campaign.State


# --- the builder ------------------------------------------------------------------------------------------------------------------------


@action(Campaigns, "change")
def content(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Save one mail; `do` may move, add or remove a part, or go on to the next step."""
    variant = builder.variant_at(row, request)
    form = ContentForm(request.POST, request.FILES, variant=variant, images=builder.images_of(row))
    do = request.POST.get("do", "")
    if form.is_valid():
        try:
            with work(by=request.user):
                blocks, images = form.stored()
                for image in images:
                    services.keep_image(row, *image)
                blocks, at = rearranged(blocks, do)
                facts = {name: form.cleaned_data[name].strip() for name in ("subject", "preheader")}
                services.save_content(row, variant.position, blocks=blocks, by=request.user, version=form.cleaned_data["version"], **facts)
        except RuleBroken as broken:
            form.add_error(None, broken.message)
    if not form.is_valid():
        return render(request, "campaigns/builder.html", {"crud": Campaigns, **builder.page(request, row, "content", content=form)}, status=422)
    if do == "next":
        return HttpResponseRedirect(builder.step_url(row, "test"))
    if not do:
        say(request, _("Mail saved."))
    url = builder.step_url(row, "content", variant=variant.position)
    return HttpResponseRedirect(f"{url}#part-{at + 1}" if at >= 0 else url)


@action(Campaigns, "change")
def variants(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Test one more mail, or one fewer."""
    if request.POST.get("do") == "remove":
        services.remove_variant(row, by=request.user)
        return HttpResponseRedirect(builder.step_url(row, "test"))
    made = services.add_variant(row, by=request.user)
    say(request, _("Mail %(letter)s is a copy of the one before: now change what you want to test.") % {"letter": made.letter})
    return HttpResponseRedirect(builder.step_url(row, "content", variant=made.position))


@xframe_options_sameorigin
@csp_replace({"default-src": [NONE], "style-src": [UNSAFE_INLINE], "img-src": ["data:"], "frame-ancestors": [SELF], "form-action": [NONE], "base-uri": [NONE]})
@action(Campaigns, "view", methods=("GET", "POST"))
def preview(request: HttpRequest, row: Campaign) -> Any:
    """A mail as a real person gets it: the saved one, or by POST what stands in the builder right now. Nothing is kept."""
    variant = builder.variant_at(row, request)
    subject, preheader, blocks = variant.subject, variant.preheader, variant.blocks
    if request.method == "POST":
        form = ContentForm(request.POST, variant=variant, images=builder.images_of(row))
        if form.is_valid():
            subject, preheader, blocks = form.cleaned_data["subject"], form.cleaned_data["preheader"], [one.block() for one in form.blocks]
    number = number_from(request, "person", 1)
    person = audience.look(row, request.user, number=number).person if number else None
    mail = shown(row, subject, preheader, blocks, person, request.user)
    if "text" in request.GET:
        return HttpResponse(f"{mail.subject}\n\n{mail.text}", content_type="text/plain; charset=utf-8")
    return StreamingHttpResponse([mail.html.encode()], content_type="text/html; charset=utf-8")


def shown(campaign: Campaign, subject: str, preheader: str, blocks: list[dict[str, Any]], person: Party | None, reader: Any) -> Mail:
    """The mail for one person as far as the reader may know them, its images within it and its two links leading nowhere."""
    words = words_of(person, campaign.language, hidden_fields(reader, Party)) if person is not None else {}
    mail = compile_mail(subject, preheader, blocks, design_of(campaign), image="image:{}").filled({**words, UNSUBSCRIBE: "#", PREFERENCES: "#"})
    html = mail.html
    kinds = dict(campaign.images.values_list("file_id", "kind"))
    for digest, file in MailFile.objects.in_bulk([one for one in mail.images if one in kinds]).items():
        html = html.replace(f"image:{digest}", f"data:{kinds[digest]};base64,{b64encode(bytes(file.data)).decode()}")
    return Mail(mail.subject, html, mail.text)


@action(Campaigns, "view", methods=("GET",))
def gaps(request: HttpRequest, row: Campaign) -> HttpResponse:
    """In whose mail something would be missing, and what."""
    people = audience.look(row, request.user, most=audience.LOOKED_AT).sample
    found = gaps_of(row, people, hidden_fields(request.user, Party))
    labels = dict(builder.PLACEHOLDERS)
    rows = [{"party": party, "words": ", ".join(str(labels.get(name, name)) for name in found[party.pk])} for party in people if party.pk in found]
    return render(request, "campaigns/gaps.html", {"title": _("Missing words"), "campaign": row, "rows": rows, "looked_at": len(people)})


@action(Campaigns, "change")
def test_mail(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Each mail to the reader alone, as the person in the preview would get it."""
    person = audience.look(row, request.user, number=number_from(request, "person", 1) or 1).person
    words = words_of(person, row.language, hidden_fields(request.user, Party)) if person is not None else {}
    to = Recipient(request.user.email, row.language, str(request.user))
    key = request.POST.get("_key", "") or request.headers.get("Idempotency-Key", "")
    with work(by=request.user):
        for variant, mail in compiled(row):
            filled = mail.filled({**words, UNSUBSCRIBE: "#", PREFERENCES: "#"})
            heading = f"[{_('Test')} {variant.letter}] {filled.subject}"
            draft = draft_mail(to, once=f"campaign-test:{key}:{variant.position}", kind="test", heading=heading, body=filled.text, html=filled.html, sender=row.sender)
            plan_many([draft], attachments=files_of(row, mail))
    say(request, _("On its way to %(address)s.") % {"address": request.user.email})
    return HttpResponseRedirect(builder.step_url(row, "check"))


# --- release and what happens afterwards ------------------------------------------------------------------------------------------------


@action(Campaigns, "change")
def count(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Count opens and clicks of those who agreed to it, or of nobody."""
    counts = request.POST.get("do") == "on"
    services.count_touches(row, counts=counts, by=request.user)
    say(request, _("Opens and clicks are counted, of those who agreed to it.") if counts else _("Opens and clicks are not counted."))
    return HttpResponseRedirect(builder.step_url(row, "check"))


@action(Campaigns, "change")
def release(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Let it go, or ask a second person to."""
    seen = services.stamp(row)
    found = builder.checked(request, row, audience.look(row, request.user, most=audience.LOOKED_AT, exactly=True))  # what is released is counted
    if found["stopped"]:
        raise RuleBroken(_("Not yet: please put right what the check has found."))
    asked = services.release_campaign(row, recipients=found["recipients"], by=request.user, seen=seen)
    if asked is not None:
        say(request, _("A second person is asked to release it."))
        return HttpResponseRedirect(builder.step_url(row, "check"))
    words = _("Released. It leaves on %(when)s.") % {"when": formats.moment(row.send_at)} if row.send_at else _("Released. It leaves within a minute.")
    say(request, words)
    return _home(row)


@action(Campaigns, "change")
def decide(request: HttpRequest, row: Campaign) -> HttpResponse:
    """The second person's word."""
    form = DecideForm(request.POST)
    if not form.is_valid():
        raise RuleBroken(_("Please say yes or no, with a note of at most 300 characters."))
    granted = form.cleaned_data["granted"] == "1"
    services.decide_release(row, granted=granted, by=request.user, note=form.cleaned_data["note"])
    say(request, _("Released.") if granted else _("Not released: it is a draft again."))
    return _home(row)


@action(Campaigns, "change")
def unrelease(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Back to the builder."""
    services.unrelease_campaign(row, by=request.user)
    say(request, _("It is a draft again."))
    return HttpResponseRedirect(builder.step_url(row, "check"))


@action(Campaigns, "change")
def pause(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Hand over nothing more."""
    services.pause_campaign(row, by=request.user)
    say(request, _("Paused. Nothing more leaves until you go on."))
    return _home(row)


@action(Campaigns, "change")
def resume(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Go on."""
    services.resume_campaign(row, by=request.user)
    say(request, _("It goes on."))
    return _home(row)


@action(Campaigns, "change")
def cancel(request: HttpRequest, row: Campaign) -> HttpResponse:
    """End it for good."""
    services.cancel_campaign(row, by=request.user)
    say(request, _("Cancelled. What has not left never leaves."))
    return _home(row)


@action(Campaigns, "change")
def cost(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Write a cost down, or take one away (`remove`)."""
    gone = number_from(request, "remove")
    with work(by=request.user):
        if gone is not None:
            row.costs.filter(pk=gone).delete()
            return _home(row, "costs")
        form = CostForm(request.POST)
        if form.is_valid():
            form.instance.campaign, form.instance.created_by, form.instance.updated_by = row, request.user, request.user
            form.save()
            return _home(row, "costs")
    return render(request, "campaigns/detail.html", {"crud": Campaigns, "object": row, "title": str(row), **report.page(request, row, cost_form=form)}, status=422)


@action(Campaigns, "view", methods=("GET",))
def left_out(request: HttpRequest, row: Campaign) -> HttpResponse:
    """Who got nothing and why, or who did what with the mail; only contacts the reader may see are named."""
    reason = request.GET.get("reason", "")[:30]
    rows, total = report.left_out(row, request.user, reason, number_from(request, "mail"))
    words = ngettext("%(n)s contact", "%(n)s contacts", total) % {"n": formats.number(total)}
    if total > len(rows):
        words = _("The first %(shown)s of %(all)s contacts") % {"shown": formats.number(len(rows)), "all": formats.number(total)}
    return render(request, "campaigns/left_out.html", {"title": report.reason_label(reason) or _("Left out"), "campaign": row, "rows": rows, "words": words})


def _home(row: Campaign, anchor: str = "") -> HttpResponse:
    url = reverse("campaign-detail", args=[row.pk])
    return HttpResponseRedirect(f"{url}#{anchor}" if anchor else url)


