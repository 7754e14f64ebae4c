"""Which event concerns whom: name → handlers. The whole map (D9)."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from crm.core.access import hidden_fields
from crm.core.formats import money
from crm.core.models import Event, Notification
from sales.models import Opportunity


def tell_leads(event: Event) -> None:
    """An opportunity was won: those who assign in its team read it, in their language, except whoever won it."""
    won = Opportunity.objects.unrestricted().filter(pk=event.subject_id or 0, state=Opportunity.State.WON).first()
    if won is None:
        return  # taken back before anybody was told
    grant = Q(teamuserperm__permission__codename="assign_opportunity", teamuserperm__content_object=won.team_id)
    held = Q(teamuserperm__own_only=False) & (Q(teamuserperm__until__isnull=True) | Q(teamuserperm__until__gt=timezone.now()))
    for lead in User.objects.unrestricted().filter(grant & held, is_active=True).exclude(pk=event.by_id).distinct():
        if not Opportunity.objects.visible_to(lead).filter(pk=won.pk).exists():
            continue
        with translation.override(lead.language):
            words = _("Won: %(name)s") % {"name": won.name}
            if won.amount is not None and "amount" not in hidden_fields(lead, Opportunity):
                words += f" ({money(won.amount, str(won.currency_id))})"
        Notification.objects.create(user=lead, text=words[:300], url=reverse("opportunity-detail", args=[won.pk]))


SUBSCRIPTIONS: dict[str, tuple[Callable[[Event], None], ...]] = {"sales.opportunity_won": (tell_leads,)}
