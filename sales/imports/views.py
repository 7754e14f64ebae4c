"""The pages of an import: files, columns, what would happen, progress, what became of it."""

from __future__ import annotations

import re
from typing import Any

import django_filters
from django.apps import apps
from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.generic import FormView

from crm.core.columns import Choice, Column
from crm.core.errors import RuleBroken
from crm.core.feedback import is_fragment, say
from crm.core.filtersets import FilterSet
from crm.core.keys import number_from
from crm.core.saving import FactsForm
from crm.core.tables import TableError, write_csv
from crm.core.uploads import too_large
from crm.core.views import Crud, Gated, GatedDetail, action
from sales.imports import services, tally, words
from sales.imports.files import Inspection, inspect, keep
from sales.imports.forms import MOST_FILES, DecisionForm, MappingForm, UploadForm, kept_token
from sales.imports.models import ImportRow, ImportRun, Kind
from sales.models import Stage

PAGE = 50
PLACE = re.compile(r"(\d{1,18})-(\d{1,9})", re.ASCII)  # file and line behind which a page begins
State = ImportRun.State


class ImportFilter(FilterSet):
    state = django_filters.ChoiceFilter(choices=State.choices, label=gettext_lazy("State"))

    class Meta:
        model = ImportRun
        fields = ["state"]


class ImportForm(FactsForm):
    """What may be corrected later: the name of the source is a key, so nothing."""

    class Meta:
        model = ImportRun
        fields: list[str] = []


class ImportCreate(Gated, FormView):
    """Receive files, look at each at once, and begin."""

    action = "add"
    form_class = UploadForm
    template_name = "sales/imports/create.html"

    def get_initial(self) -> dict[str, Any]:
        last = ImportRun.objects.visible_to(self.request.user).order_by("-pk").first()
        return {"source": last.source if last else _("former system")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "title": _("Import files"), "cancel_url": self.crud.url("list")}

    def form_valid(self, form: UploadForm) -> HttpResponse:
        found, wrong = received(self.request, form)
        for sentence in wrong:
            form.add_error("files", sentence)
        if not found and not form.errors:
            form.add_error("files", _("Please choose at least one file."))
        if form.errors:
            return self.form_invalid(form, found)
        run = services.begin_import(found, source=form.cleaned_data["source"], by=self.request.user)
        return HttpResponseRedirect(self.crud.url("detail", run.pk))

    def form_invalid(self, form: UploadForm, found: list[tuple[str, Inspection]] | None = None) -> HttpResponse:
        """What could be read is kept, so that only the rest has to be chosen again."""
        if found is None:
            found, wrong = received(self.request, form)
            for sentence in wrong:
                form.add_error("files", sentence)
        kept = [{"name": name, "token": kept_token(name, inspection.digest)} for name, inspection in found]
        return render(self.request, self.template_name, self.get_context_data(form=form, kept=kept), status=422)


def received(request: HttpRequest, form: UploadForm) -> tuple[list[tuple[str, Inspection]], list[str]]:
    """(name and content of every readable file, what is wrong with the others in words)."""
    found = [(name, inspect(digest)) for name, digest in form.kept()]
    wrong = [_("%(file)s: the file is too large.") % {"file": name} for name in too_large(request)]
    for upload in request.FILES.getlist("files")[:MOST_FILES]:
        name = (upload.name or "")[-160:]
        try:
            found.append((name, inspect(keep(upload))))
        except TableError as error:
            line = _("line %(n)s: ") % {"n": error.line} if error.line else ""
            wrong.append(f"{name}: {line}{error.message}")
    return found, wrong


class ImportDetail(GatedDetail):
    """The page of an import is what it waits for: columns, a job, decisions, or nothing more."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        job = self.object.job
        if is_fragment(request):
            if job is None or not job.is_open:
                return HttpResponse(status=204, headers={"HX-Refresh": "true"})
            return render(request, "sales/imports/_running.html", {"run": self.object, "job": job, "may": self._may()})
        return render(request, "sales/imports/detail.html", page(request, self.object))

    def _may(self) -> dict[str, bool]:
        return {"change": may_change(self.request, self.object)}


class Imports(Crud):
    name = "import"
    model = ImportRun
    form_class = ImportForm
    filterset_class = ImportFilter
    order = "-created"
    create_view = ImportCreate
    detail_view = ImportDetail
    update_view = None
    delete_view = None
    export_view = None
    columns = [
        Column("name", gettext_lazy("Files"), "name", "name", primary=True),
        Column("source", gettext_lazy("Source"), "source", "source", priority=3),
        Column("state", gettext_lazy("State"), Choice("state"), "state", "tag", priority=1, tone=lambda run: words.RUN_TONES[run.state]),
        Column("owner", gettext_lazy("Started by"), "owner", "", priority=4, joins=("owner",)),
        Column("created", gettext_lazy("When"), "created_at", "created_at", "ago", priority=2, field="created_at"),
    ]

    @classmethod
    def create_title(cls) -> str:
        return _("Import files")

    @classmethod
    def empty(cls) -> dict[str, Any]:
        return {
            "title": _("Nothing imported yet"),
            "text": _("Bring in the export of another system: organisations, products, sales staff and opportunities as CSV files. You see what would happen first, and can take it all back."),
        }


def may_change(request: HttpRequest, run: ImportRun) -> bool:
    """May the reader go on with this import?"""
    return ImportRun.objects.visible_to(request.user, "change").filter(pk=run.pk).exists()


def page(request: HttpRequest, run: ImportRun, *, mapping: MappingForm | None = None, decisions: DecisionForm | None = None, error: str = "") -> dict[str, Any]:
    """Context of `sales/imports/detail.html`."""
    job, stage = run.job, run.state
    waiting = job is not None and stage in {State.CHECKING, State.APPLYING, State.REVERTING}
    context: dict[str, Any] = {
        "crud": Imports, "title": run.name, "run": run, "tone": words.RUN_TONES[stage], "job": job, "waiting": waiting, "error": error,
        "may": {"change": may_change(request, run)}, "files": list(run.files.all()),
        "steps": _steps(run), "stopped_check": waiting and stage == State.CHECKING and job is not None and not job.is_open,
        "stopped_apply": waiting and stage == State.APPLYING and job is not None and not job.is_open,
    }  # fmt: skip
    if stage == State.MAPPING or mapping:
        form = mapping or MappingForm(run=run)
        context |= {"form": form, "sections": form.sections(), "kinds": {section["chosen"] for section in form.sections()}}
    elif stage == State.CHECKED:
        form = decisions or DecisionForm(run=run)  # type: ignore[assignment]
        context |= {"form": form, "decisions": form.rows(), "table": tally.table(run, "verdict"), "reasons": tally.reasons(run), "column": "verdict"}  # type: ignore[attr-defined]
    elif stage in {State.APPLIED, State.REVERTED}:
        context |= {"table": tally.table(run, "outcome"), "reasons": tally.reasons(run), "column": "outcome", "links": _links(run)}
        context |= {"refused_files": _refused_files(run)}
    if stage == State.CHECKED:
        context["refused_files"] = _refused_files(run)
    if stage == State.REVERTED and run.revert_job is not None:
        context["kept"] = _kept(run.revert_job.result)
        context["reverted"] = run.revert_job.result
    return context


def _steps(run: ImportRun) -> list[dict[str, Any]]:
    names = [_("Files"), _("Columns"), _("Check"), _("Bring in")]
    place = {State.MAPPING: 1, State.CHECKING: 2, State.CHECKED: 2, State.APPLYING: 3}.get(State(run.state), 4)
    return [{"label": name, "done": number < place, "current": number == place, "number": number + 1} for number, name in enumerate(names)]


def _links(run: ImportRun) -> list[dict[str, Any]]:
    """Where what was brought in is looked at."""
    pages = {Kind.PRODUCT: "product-list", Kind.ORGANISATION: "organisation-list", Kind.OPPORTUNITY: "opportunity-list"}
    kinds = set(run.files.values_list("kind", flat=True))
    found = [{"url": reverse(name), "label": kind.label} for kind, name in pages.items() if kind.value in kinds]
    return [{"url": reverse("board"), "label": _("Pipeline")}, *found] if Kind.OPPORTUNITY in kinds else found


def _refused_files(run: ImportRun) -> list[Any]:
    column = "outcome" if run.state in {State.APPLIED, State.REVERTED} else "verdict"
    ids = set(run.rows.filter(**{column: "refused"}).values_list("file_id", flat=True))
    return [file for file in run.files.all() if file.pk in ids]


def _kept(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What stayed when the import was taken back, by name, with the reason."""
    why = {"changed_since": _("changed since the import"), "in_use": _("needed by something that stays")}
    found = []
    for label, pk, reason in result.get("kept", []):
        model: Any = apps.get_model(label)
        row = model._base_manager.filter(pk=pk).first()  # the gate: names of what this very import created
        if row is not None:
            found.append({"kind": model._meta.verbose_name, "name": str(row), "why": why[reason]})
    return found


@action(Imports, "change")
def check(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Save the columns and start the dry run; "again" only guesses the columns of one file anew for the kind chosen."""
    form = MappingForm(request.POST, run=run)
    if not form.is_valid():
        return render(request, "sales/imports/detail.html", page(request, run, mapping=form), status=422)
    again = number_from(request, "again")
    if again is not None:
        services.guess_again(run, form.mappings(), again, by=request.user)
        return _back(run)
    try:
        services.map_files(run, form.mappings(), pipeline=form.cleaned_data["pipeline"], by=request.user)
    except RuleBroken as broken:
        return render(request, "sales/imports/detail.html", page(request, run, mapping=form, error=str(broken.message)), status=422)
    return _back(run)


@action(Imports, "change")
def remap(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Back to the columns."""
    services.remap_import(run, by=request.user)
    return _back(run)


@action(Imports, "change")
def bring_in(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Write down the decisions and start."""
    form = DecisionForm(request.POST, run=run)
    if not form.is_valid():
        return render(request, "sales/imports/detail.html", page(request, run, decisions=form), status=422)
    services.decide(run, form.answers(), by=request.user)
    services.apply_import(run, by=request.user)
    return _back(run)


@action(Imports, "change")
def stop(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Stop after the present step."""
    services.stop_import(run, by=request.user)
    say(request, _("The import stops after the current step."))
    return _back(run)


@action(Imports, "change")
def resume(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Go on."""
    services.resume_import(run, by=request.user)
    return _back(run)


@action(Imports, "change")
def revert(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Take everything back."""
    services.revert_import(run, by=request.user)
    return _back(run)


@action(Imports, "view", methods=("GET",))
def rows(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Single rows with what was found; narrowed by kind, verdict, outcome or question, 50 a page."""
    asked = {name: request.GET.get(name, "") for name in ("kind", "verdict", "outcome")}
    found = run.rows.select_related("file").filter(file__in=list(run.files.values_list("pk", flat=True))).order_by("file", "line")
    for name, value in asked.items():
        if value:
            found = found.filter(**{name: value[:20]})
    question = run.questions.filter(pk=number_from(request, "question") or 0).first()
    if question is not None:
        found = found.filter(asks__contains=[question.key])
    page_rows = list(_behind(found, request.GET.get("after", ""))[: PAGE + 1])
    stages = {stage.key: stage.label for stage in Stage.objects.visible_to(request.user)}
    for row in page_rows:
        row.why = [words.reason(row.kind, key, params) for key, params in row.reasons]  # type: ignore[attr-defined]
        row.said = words.changes(row, stages)  # type: ignore[attr-defined]
        row.shown = row.facts.get("external_id") or row.facts.get("name") or row.key  # type: ignore[attr-defined]
        row.tone = words.TONES[row.outcome or row.verdict]  # type: ignore[attr-defined]
        row.words = row.get_outcome_display() if row.outcome else row.get_verdict_display()  # type: ignore[attr-defined]
    query = request.GET.copy()
    query["after"] = f"{page_rows[PAGE - 1].file_id}-{page_rows[PAGE - 1].line}" if len(page_rows) > PAGE else ""
    column = "outcome" if run.state in {State.APPLIED, State.REVERTED} else "verdict"
    choices = ImportRow.Outcome if column == "outcome" else ImportRow.Verdict
    context = {
        "title": _("Rows"), "crud": Imports, "run": run, "rows": page_rows[:PAGE], "next": f"?{query.urlencode()}" if query["after"] else "",
        "count": found.count(), "question": question, "asked": asked, "column": column,
        "kinds": Kind.choices, "states": [(choice.value, choice.label) for choice in choices if choice.value],
    }  # fmt: skip
    return render(request, "sales/imports/rows.html", context)


def _behind(found: QuerySet[ImportRow], place: str) -> QuerySet[ImportRow]:
    """What follows the page that ended at this file and line. Several workers judge a file: the keys of its rows say nothing of their order."""
    if not place:
        return found
    known = PLACE.fullmatch(place)
    if known is None:
        raise BadRequest(_("This page of the list does not exist. Please go back to the first page."))
    file, line = int(known[1]), int(known[2])
    return found.filter(Q(file__gt=file) | Q(file=file, line__gt=line))


@action(Imports, "view", methods=("GET",))
def refused(request: HttpRequest, run: ImportRun, file: int) -> StreamingHttpResponse:
    """The refused rows of one file as CSV: as they came, with line and reason in front, to be put right and brought in again."""
    source = get_object_or_404(run.files.all(), pk=file)
    column = "outcome" if run.state in {State.APPLIED, State.REVERTED} else "verdict"
    found = source.rows.filter(**{column: "refused"}).order_by("line")
    body = write_csv(
        [_("line"), _("why refused"), *source.header],
        ([row.line, " ".join(str(words.reason(row.kind, key, params)) for key, params in row.reasons), *row.cells] for row in found.iterator(2000)),
        language=get_language() or "de",
    )
    return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="refused.csv"'})


def _back(run: ImportRun) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("import-detail", args=[run.pk]))
