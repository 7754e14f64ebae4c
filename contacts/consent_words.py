"""The exact words of consents: written once, never changed, newest version used."""

from __future__ import annotations

from typing import Any

from django.db.models import Max, Q, QuerySet

from contacts.models import TRACKING, ConsentPurpose, ConsentWording
from contacts.presets import CONSENTS
from contacts.reach import EMAIL
from crm.core.work import work


def write_wording(wording: ConsentWording, *, by: Any) -> ConsentWording:
    """Keep new words, as the next version for their purpose, channel and language. Older consents keep the words they were given to."""
    with work(by=by):
        ConsentPurpose.objects.select_for_update().get(pk=wording.purpose_id)  # two at once get two numbers
        others = ConsentWording.objects.filter(purpose=wording.purpose_id, channel=wording.channel, language=wording.language)
        wording.version = 1 + (others.aggregate(last=Max("version"))["last"] or 0)
        wording.created_by = by
        wording.save(force_insert=True)
        return wording


def wordings(language: str, channel: str = EMAIL) -> list[ConsentWording]:
    """The newest words of each active purpose that has any in this language and channel, in the order of the set-up."""
    rows = ConsentWording.objects.filter(purpose__active=True, language="en" if language == "en" else "de", channel=channel).select_related("purpose")
    return sorted(rows.order_by("purpose_id", "-version").distinct("purpose"), key=lambda row: (row.purpose.position, row.purpose.key))


def to_write_for(purposes: QuerySet[ConsentPurpose], chosen: int | None = None) -> QuerySet[ConsentPurpose]:
    """Those one may write for: in use, counting of opens left aside; one that is `chosen` already stays."""
    return purposes.filter(Q(active=True) & ~Q(key=TRACKING) | Q(pk=chosen or 0))


def seed_consents() -> None:
    """The purposes a new installation starts with, and their words where there are none."""
    for position, (key, (german, english, words)) in enumerate(CONSENTS.items()):
        purpose, _new = ConsentPurpose.objects.get_or_create(key=key, defaults={"label_de": german, "label_en": english, "position": position, "active": key != TRACKING})  # whoever wants to count opens and clicks asks for it
        for channel, texts in words.items():
            for language, text in zip(("de", "en"), texts, strict=True):
                if not ConsentWording.objects.filter(purpose=purpose, channel=channel, language=language).exists():
                    write_wording(ConsentWording(purpose=purpose, channel=channel, language=language, text=text), by=None)
