"""The cards of the board as HTML, drawn without a template for each of them: a page has more than a hundred."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crm.core import formats
from crm.core.formats import current_locale
from crm.core.rows import initials_of

register = template.Library()
Card = dict[str, Any]


class _Pencil:
    """What all cards of one answer have in common, said once."""

    def __init__(self, reader: Any, oob: bool) -> None:
        self.reader, self.oob, self.locale = reader, ' hx-swap-oob="outerHTML"' if oob else "", current_locale()
        self.move, self.days, self.close = _("Move %(name)s, keys [ and ]"), pgettext("days", "d"), escape(_("Close expected"))

    def card(self, card: Card) -> str:
        """One opportunity: {id, url, title, subtitle, amount, currency, stage, age_days, age_state: ''|warn|bad, age_words, owner, step_label,
        step_state: ''|late|none, step_words, closes_on, move_url, win_url, lose_url}. The whole card is a link, the grip drags it (and opens the choice
        of stages), [ and ] move it by key. Without move_url nothing may move it."""
        pk, title = int(card["id"]), escape(str(card["title"]))
        ways = grip = when = ""
        if card["move_url"]:
            move = escape(card["move_url"])
            ways = f' data-move="{move}" data-win="{escape(card["win_url"])}" data-lose="{escape(card["lose_url"])}"'
            words = escape(self.move % {"name": card["title"]})
            grip = f'<a class="grip" href="{move}" hx-get="{move}" hx-target="#dialogs" role="button" draggable="false" aria-label="{words}"><i class="ti ti-grip-vertical" aria-hidden="true"></i></a>'
        if day := card["closes_on"]:
            when = f'<time class="l-push" datetime="{day.isoformat()}" title="{self.close} {escape(formats.day(day, self.locale))}">{escape(formats.short_day(day, self.locale))}</time>'
        amount = formats.money(card["amount"], card["currency"], decimals=0, locale=self.locale)
        age = f'<span class="l-tag {card["age_state"]} l-push l-tn" title="{escape(card["age_words"])}">{formats.number(card["age_days"], locale=self.locale)} {escape(self.days)}</span>'
        step = f'<span class="l-step {card["step_state"]}" title="{escape(card["step_words"])}"></span><span class="l-cut">{escape(card["step_label"])}</span>'
        return (
            f'<li class="l-panel l-card" id="card-{pk}" data-id="{pk}" data-in="{int(card["stage"])}"{ways}{self.oob}><h3><a href="{escape(card["url"])}">{title}</a></h3>{grip}\n'
            f'<div class="l-mut l-cut">{escape(str(card["subtitle"]))}</div><div class="l-row mt-1"><b class="l-tn">{escape(amount)}</b>{age}{self._owner(card["owner"])}</div>\n'
            f'<div class="foot">{step}{when}</div></li>\n'
        )

    def _owner(self, owner: Any) -> str:
        if owner is None:
            return ""
        name = str(owner)
        return initials_of(name, " avatar-xs" + (" me" if owner == self.reader else ""), title=name)


@register.simple_tag(takes_context=True)
def board_cards(context: template.Context, cards: Iterable[Card]) -> SafeString:
    """The cards of a column."""
    pencil = _Pencil(context.get("user"), oob=False)
    return SafeString("".join([pencil.card(card) for card in cards]))


@register.simple_tag(takes_context=True)
def board_card(context: template.Context, card: Card, oob: bool = False) -> SafeString:
    """One card; `oob` within a fragment, where it replaces the one that is there."""
    return SafeString(_Pencil(context.get("user"), oob).card(card))
