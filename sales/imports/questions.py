"""The questions of a dry run: what may be answered, and what is proposed."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from sales.imports.agents import Staff
from sales.imports.context import Context, Names
from sales.imports.countries import country_names
from sales.imports.models import ImportQuestion, ImportRun
from sales.imports.opportunities import Opportunities
from sales.imports.organisations import all_organisations, industry_names
from sales.imports.products import PriceList

MOST_COMPARED = 100  # new questions of one step for which near names are looked up: it takes time

# kind → answers besides a suggestion, the first is proposed where nothing is near
ANSWERS: dict[str, tuple[str, ...]] = {
    "product": ("empty", "refuse"),
    "industry": ("empty",),
    "country": ("empty",),
    "parent": ("empty",),
    "account": ("create", "empty", "refuse"),
    "no_account": ("empty", "refuse"),
    "agent": ("empty", "refuse"),
    "stage": ("refuse",),
}
_WORDS: dict[tuple[str, str], Any] = {
    ("product", "empty"): _("take in without product"),
    ("industry", "empty"): _("take in without industry"),
    ("country", "empty"): _("take in without country"),
    ("parent", "empty"): _("take in without parent organisation"),
    ("account", "create"): _("create this organisation"),
    ("account", "empty"): _("take in without contact (won ones are refused)"),
    ("no_account", "empty"): _("take in without contact"),
    ("agent", "empty"): _("take in without owner"),
}
_SENTENCES: dict[str, Any] = {
    "product": _("Product “{value}” is not in the price list."),
    "industry": _("Industry “{value}” is not known."),
    "country": _("Country “{value}” is not known."),
    "parent": _("The parent organisation “{value}” is not known."),
    "account": _("Organisation “{value}” is neither in the files nor here."),
    "no_account": _("Not won, and without organisation."),
    "agent": _("“{value}” is neither in the files nor a user here."),
    "stage": _("“{value}” is neither a stage of the pipeline nor a result."),
}


def sentence(question: ImportQuestion) -> Any:
    """The question in words, with the nearest name if there is one."""
    words = format_lazy(_SENTENCES[question.kind], value=question.value)
    if not question.suggestions:
        return words
    return format_lazy("{words} {meant}", words=words, meant=format_lazy(_("Did you mean “{name}”?"), name=question.suggestions[0]))


def choices(question: ImportQuestion) -> list[tuple[str, Any]]:
    """(choice, words) a person may pick from."""
    meant = [(f"use:{name}", format_lazy(_("take it for “{name}”"), name=name)) for name in question.suggestions]
    return meant + common_choices(question.kind)


def common_choices(kind: str) -> list[tuple[str, Any]]:
    """The choices that fit every question of a kind."""
    return [(answer, _WORDS.get((kind, answer), _("refuse these rows"))) for answer in ANSWERS[kind]]


def count_rows(run: ImportRun) -> None:
    """Write beside each question how many rows wait for it; one for which none does, as they are refused for another reason, is not asked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sales_importquestion question SET rows = found.rows FROM ("
            " SELECT ask, count(*) AS rows FROM sales_importrow, unnest(asks) ask WHERE run_id = %s AND verdict <> 'refused' GROUP BY ask"
            ") found WHERE question.run_id = %s AND found.ask = question.kind || ':' || question.value",
            [run.pk, run.pk],
        )
    run.questions.filter(rows=0).delete()


class Asking:
    """Collects the questions of one step and writes down those that are new, with suggestions and a proposal."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.asked: dict[str, None] = {}

    def note(self, asks: list[str]) -> None:
        """A row waits for these."""
        self.asked |= dict.fromkeys(asks)

    def save(self) -> None:
        """Another worker may have asked the same meanwhile."""
        run = self.context.run
        known = {question.key for question in run.questions.all()} if self.asked else set()
        names: dict[str, Names] = {}
        looked = 0
        fresh = []
        for key in self.asked:
            kind, _colon, value = key.partition(":")
            if key in known:
                continue
            if kind not in names:
                names[kind] = self._names(kind)
            looked += 1
            suggestions = names[kind].near(value) if looked <= MOST_COMPARED else []
            decided = self.context.answers.get(key, "")
            if decided.startswith("use:") and decided[4:] not in suggestions:
                suggestions.insert(0, decided[4:])
            proposal = f"use:{suggestions[0]}" if suggestions else ANSWERS[kind][0]
            fresh.append(ImportQuestion(run=run, kind=kind, value=value, suggestions=suggestions, choice=decided or proposal, remembered=bool(decided)))
        ImportQuestion.objects.bulk_create(fresh, ignore_conflicts=True)
        self.asked = {}

    def _names(self, kind: str) -> Names:
        context = self.context
        match kind:
            case "product":
                return PriceList(context, staged=True).names
            case "industry":
                return industry_names()
            case "country":
                return country_names()
            case "agent":
                return Staff(context, staged=True).names
            case "stage":
                return Opportunities(context).states
            case "account" | "parent":
                return all_organisations(context)
        return Names()
