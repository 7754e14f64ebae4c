"""Declared CRUD behind the gate (D4): an entity names its model, form, filters and columns; Django's generic views do the rest.

To change one page, subclass that view and name it on the `Crud`. A verb is a function with `@action`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial, wraps
from typing import Any, ClassVar

import django_filters
from django.core.exceptions import PermissionDenied
from django.db.models import ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.vary import vary_on_headers
from django.views.generic import CreateView, DeleteView, DetailView, ListView, UpdateView, View

from crm.core import lists
from crm.core.access import hidden_fields, may
from crm.core.columns import Column
from crm.core.errors import RuleBroken
from crm.core.feedback import is_fragment, say
from crm.core.records import Record
from crm.core.saving import FactsForm, Stale, save_facts
from crm.core.tables import write_csv
from crm.core.undo import offer_undo
from crm.core.vanishing import while_there


class Gated:
    """Every class view of ours: the verb decides 403, the row decides 404."""

    crud: Any = None  # the Crud whose page this is; as_view(crud=…) sets it
    action: ClassVar[str] = "view"
    request: HttpRequest
    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "options"]  # Django would save by PUT and delete by DELETE, past our services

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may(request.user, self.action, self.crud.model):
            raise PermissionDenied
        with while_there(self.crud, request, self.action, kwargs.get("pk")):
            return vary_on_headers("HX-Request")(super().dispatch)(request, *args, **kwargs)  # type: ignore[misc,no-any-return]  # the view this is mixed into

    def get_queryset(self) -> QuerySet[Any]:
        """The rows this user may do this to."""
        return self.crud.rows(self.request, self.action)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"crud": self.crud, "title": self.crud.title(), **super().get_context_data(**kwargs)}  # type: ignore[misc]


class GatedList(Gated, ListView):
    """Filters, order, keyset pages, honest count, chosen columns; a fragment for htmx."""

    def get_queryset(self, among: Collection[int] | None = None) -> QuerySet[Any]:
        """The rows the reader may see; with `among` those of these keys."""
        return self.crud.rows(self.request, self.action, among)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if (fragment := is_fragment(request)) and (menu := request.GET.get("menu")):
            return render(request, "components/_filter_chips.html", lists.menu(self.crud, request, menu))
        context = {"crud": self.crud, **lists.context(self.crud, request, self.get_queryset, menus=not fragment)}
        template = self.crud.template("rows", "crud/_table.html") if fragment else self.crud.template("list", "crud/list.html")
        return render(request, template, {**context, **self.more_context(context)})

    def more_context(self, context: dict[str, Any]) -> dict[str, Any]:
        """What a list page of its own adds to the context."""
        return {}


class GatedExport(Gated, View):
    """Exactly what the list shows, as CSV, for those who hold `export`."""

    action = "export"

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        state = lists.State(self.crud, request)
        rows = state.every(self.get_queryset())
        body = write_csv([str(column.label) for column in state.columns], ([column.plain(row) for column in state.columns] for row in rows), language=get_language() or "de")
        headers = {"Content-Disposition": f'attachment; filename="{self.crud.name}.csv"'}
        return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)


class _Saving(Gated):
    """Create and update: the form keeps what was typed, a rule stands beside its field, a conflict becomes the merge page."""

    object: Any

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}  # type: ignore[misc]

    def form_valid(self, form: FactsForm) -> HttpResponse:
        fresh = form.instance.pk is None
        try:
            self.object = self.crud.save(form, by=self.request.user)
        except RuleBroken as broken:
            form.add_error(broken.field if broken.field in form.fields else None, broken.message)
            return self.form_invalid(form)
        except Stale as stale:
            return self.conflict(form, stale)
        text = (_("%(name)s created.") if fresh else _("%(name)s saved.")) % {"name": self.object}
        say(self.request, text, undo=None if fresh else offer_undo(self.request.user, text))
        return HttpResponseRedirect(self.crud.url("detail", self.object.pk))

    def form_invalid(self, form: FactsForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)  # type: ignore[attr-defined,no-any-return]

    def conflict(self, form: FactsForm, stale: Stale) -> HttpResponse:
        """Both values side by side; what is chosen is posted again with the version it was chosen against."""
        now = self.crud.form_class(instance=stale.current, user=self.request.user)
        clashing = {d.name for d in stale.differences if d.conflict}
        kept = [(bound.html_name, bound.value()) for bound in form if bound.name not in clashing and bound.name != "version"]
        rows = [{"difference": d, "mine_raw": form[d.name].value(), "theirs_raw": now[d.name].value()} for d in stale.differences]
        context = {"crud": self.crud, "object": stale.current, "rows": rows, "kept": kept, "version": stale.current.version}  # type: ignore[attr-defined]
        return render(self.request, "crud/merge.html", context, status=409)


class GatedCreate(_Saving, CreateView):
    action = "add"
    object = None

    def get_template_names(self) -> list[str]:
        return [self.crud.template("form", "crud/form.html")]

    def get_form_class(self) -> type[FactsForm]:
        return self.crud.form_class

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "title": self.crud.create_title(), "cancel_url": self.crud.url("list")}


class GatedUpdate(_Saving, UpdateView):
    action = "change"
    get_template_names = GatedCreate.get_template_names
    get_form_class = GatedCreate.get_form_class

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "title": str(self.object), "cancel_url": self.crud.url("detail", self.object.pk)}


class GatedDetail(Gated, DetailView):
    def get_template_names(self) -> list[str]:
        return [self.crud.template("detail", "crud/detail.html")]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user, row = self.request.user, self.object
        found = {"title": str(row), "hidden": hidden_fields(user, self.crud.model), "may": {verb: type(row).objects.visible_to(user, verb).filter(pk=row.pk).exists() for verb in ("change", "delete")}}
        return {**super().get_context_data(**kwargs), **found, "facts": partial(lists.facts, self.crud, row, user)}  # asked by the template that draws them


class GatedDelete(Gated, DeleteView):
    action = "delete"

    def get_template_names(self) -> list[str]:
        return [self.crud.template("delete", "crud/delete.html")]

    def get_form_kwargs(self) -> dict[str, Any]:
        """Django's own empty form: it knows no reader."""
        return super(Gated, self).get_form_kwargs()  # type: ignore[misc,no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "blockers": self.crud.blockers(self.object), "cancel_url": self.crud.url("detail", self.object.pk)}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.object = self.get_object()
        text = _("%(name)s deleted.") % {"name": row}
        try:
            kept = self.crud.delete(row, by=request.user) or {}
        except (ProtectedError, RuleBroken):
            return self.render_to_response(self.get_context_data(), status=422)
        say(request, text, undo=offer_undo(request.user, text, **kept))
        return HttpResponseRedirect(self.crud.url("list"))


class Crud:
    """One entity's pages. Subclass, name the parts, include `urls()` under `name`."""

    name: ClassVar[str]  # url namespace: "<name>-list", "<name>-detail" …
    model: ClassVar[type[Record]]
    form_class: ClassVar[type[FactsForm]]
    filterset_class: ClassVar[type[django_filters.FilterSet]]
    columns: ClassVar[list[Column]]
    order: ClassVar[str] = "name"
    templates: ClassVar[dict[str, str]] = {}
    search: ClassVar[Callable[[QuerySet[Any], str], QuerySet[Any]] | None] = None
    list_view: ClassVar[type[Gated]] = GatedList
    create_view: ClassVar[type[Gated] | None] = GatedCreate
    detail_view: ClassVar[type[Gated]] = GatedDetail
    update_view: ClassVar[type[Gated] | None] = GatedUpdate
    delete_view: ClassVar[type[Gated] | None] = GatedDelete
    export_view: ClassVar[type[Gated] | None] = GatedExport

    @classmethod
    def title(cls) -> str:
        return str(capfirst(cls.model._meta.verbose_name_plural))

    @classmethod
    def create_title(cls) -> str:
        return _("New: %(what)s") % {"what": cls.model._meta.verbose_name}

    @classmethod
    def columns_for(cls, user: Any) -> list[Column]:
        """The columns this user may choose from, before hidden fields are taken out."""
        return cls.columns

    @classmethod
    def views(cls, user: Any) -> list[tuple[str, dict[str, str]]]:
        """Ready views of the list beside "All": (label, its query string as a dictionary)."""
        return []

    @classmethod
    def empty(cls) -> dict[str, Any]:
        """What an empty list says: {title, text}, and `importable` if an import brings such records."""
        return {"title": _("Nothing here yet"), "text": ""}

    @classmethod
    def template(cls, page: str, default: str) -> str:
        return cls.templates.get(page, default)

    @classmethod
    def url(cls, page: str, *args: Any) -> str:
        return reverse(f"{cls.name}-{page}", args=args)

    @classmethod
    def rows(cls, request: HttpRequest, action: str, among: Collection[int] | None = None) -> QuerySet[Any]:
        return cls.model.objects.visible_to(request.user, action, among)

    @classmethod
    def save(cls, form: FactsForm, *, by: Any) -> Any:
        return save_facts(form, by=by)

    @classmethod
    def delete(cls, row: Any, *, by: Any) -> Any:  # what the way back must know beside the audit, by name
        row.delete()

    @classmethod
    def blockers(cls, row: Any) -> list[dict[str, Any]]:
        """What hangs on the row and refuses its deletion: {label, count}."""
        return lists.blockers(row)

    @classmethod
    def urls(cls) -> list[Any]:
        pages = [
            ("list", "", cls.list_view),
            ("create", "new/", cls.create_view),
            ("export", "export/", cls.export_view),
            ("detail", "<id:pk>/", cls.detail_view),
            ("update", "<id:pk>/edit/", cls.update_view),
            ("delete", "<id:pk>/delete/", cls.delete_view),
        ]
        return [path(f"{route}", view.as_view(crud=cls), name=f"{cls.name}-{page}") for page, route, view in pages if view is not None]  # type: ignore[attr-defined]


def action(crud: type[Crud], verb: str, *, methods: tuple[str, ...] = ("POST",)) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A verb as a function of (request, row, …): the row comes from the gate. No verb 403, no row 404, other methods 405."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def handle(request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponseBase:
            if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
                return HttpResponse(status=405, headers={"Allow": ", ".join(methods)})
            if not may(request.user, verb, crud.model):
                raise PermissionDenied
            row = get_object_or_404(crud.rows(request, verb), pk=pk)
            with while_there(crud, request, verb, pk):
                return view(request, row, **kwargs)

        handle.gated = (crud, verb)  # type: ignore[attr-defined]
        return handle

    return decorate


def gated(check: Callable[[Any], bool]) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A page without a row of its own: `check(user)` is the verb (403); its rows come from `visible_to`."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def handle(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not check(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        handle.gated = (None, check)  # type: ignore[attr-defined]
        return handle

    return decorate
