"""The first start of an empty installation: the firm, the first administrator, a pipeline, colleagues.

Until the first user exists every address leads here and nobody has to sign in; from then on only who may change the set-up gets in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import login, password_validation
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.db import connection
from django.forms import BaseFormSet, formset_factory
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import Role, Team, User
from accounts.services import create_user, invite_user
from crm.catalog.models import Currency
from crm.core.access import scope_of
from crm.core.admin import InstallationForm
from crm.core.errors import RuleBroken
from crm.core.feedback import say
from crm.core.keys import whole
from crm.core.mail.server import only_a_folder
from crm.core.middleware import remember_language
from crm.core.models import Installation, MailSetup
from crm.core.views import gated
from crm.core.work import work
from sales.models import Pipeline
from sales.pipelines import seed_pipeline
from sales.presets import PIPELINES

Handler = Callable[[HttpRequest], HttpResponseBase]
STEPS = [
    ("setup", gettext_lazy("Company")),
    ("setup-administrator", gettext_lazy("Administrator")),
    ("setup-pipeline", gettext_lazy("Pipeline")),
    ("setup-colleagues", gettext_lazy("Colleagues")),
]
_ONE_ADMINISTRATOR = 0x10754E  # the advisory lock under which the first user is made
_OPEN = ("/setup/", "/static/", "/health/", "/ready/", "/metrics", "/preferences/language/")


def FirstRun(get_response: Handler) -> Handler:
    """Lead to the wizard while it is not through: anybody before the first user, the administrator before the first pipeline."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(_OPEN):
            if not request.user.is_authenticated:
                if nobody_yet():
                    return redirect("setup")
            elif request.path == "/" and may_set_up(request.user) and not Pipeline.objects.exists():
                return redirect("setup-pipeline")
        return get_response(request)

    return handle


def nobody_yet() -> bool:
    """Is this an installation without any user? (One with demo data gets its users in a moment.)"""
    return not settings.SHOW_DEMO_SIGN_INS and not User.objects.exists()


def may_set_up(user: Any) -> bool:
    """Who goes on with the wizard after the first administrator exists."""
    return scope_of(user).may("change", "setup")


class FirmForm(InstallationForm):
    """The house itself."""

    class Meta:
        model = Installation
        fields = ["name", "currency", "fiscal_year_start", "language"]


class AdministratorForm(forms.Form):
    """The first person, who may do everything the CRM manager may."""

    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=150)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=150)
    email = forms.EmailField(label=gettext_lazy("E-mail"))
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least ten characters; a sentence is easier to keep in mind."),
    )
    again = forms.CharField(label=gettext_lazy("Password once more"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or {}
        password = facts.get("password", "")
        if password and facts.get("again") and password != facts["again"]:
            self.add_error("again", _("The two passwords differ."))
        if password:
            person = User(email=facts.get("email", ""), first_name=facts.get("first_name", ""), last_name=facts.get("last_name", ""))
            try:
                password_validation.validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return facts


class PipelineForm(forms.Form):
    """Which way of selling to begin with."""

    preset = forms.ChoiceField(label=gettext_lazy("Pipeline"), choices=[(key, key) for key in PIPELINES], initial=next(iter(PIPELINES)))


class ColleagueForm(forms.Form):
    """One colleague; an empty row is no colleague."""

    email = forms.EmailField(label=gettext_lazy("E-mail"))
    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=150)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=150)
    role = forms.ModelChoiceField(label=gettext_lazy("Role"), queryset=Role.objects.filter(active=True), empty_label="–")

    def has_changed(self) -> bool:
        return any(str(self.data.get(self.add_prefix(name), "")).strip() for name in ("email", "first_name", "last_name"))

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("Another user has this e-mail address."))
        return email


class _Colleagues(BaseFormSet):
    def clean(self) -> None:
        """Nobody is named twice."""
        seen: set[str] = set()
        for form in self.forms:
            email = getattr(form, "cleaned_data", {}).get("email", "")
            if email and email in seen:
                form.add_error("email", _("This address is in the table twice."))
            seen.add(email)


def found_firm(firm: dict[str, Any], person: dict[str, Any]) -> User:
    """Write firm and first administrator, once: a second wizard at the same moment waits and is told. The root team takes the firm's name."""
    with work():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_ADMINISTRATOR])
        if User.objects.exists():
            raise RuleBroken(_("Somebody else has just set this installation up. Please sign in."))
        Installation.objects.update_or_create(pk=1, defaults=firm)
        Currency.objects.update_or_create(code=firm["currency"], defaults={"active": True})
        root, _fresh = Team.objects.update_or_create(parent=None, defaults={"name": firm["name"][:80]})
        manager = Role.objects.get(key="manager")
        facts = {name: person[name] for name in ("email", "first_name", "last_name")}
        user = create_user(by=None, **facts, team=root, memberships=[(root, manager)], language=firm["language"])
        user.set_password(person["password"])
        user.save(update_fields=["password"])
        return user


def _first_run(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page of the wizard before anybody can sign in; afterwards it leads home."""

    def handle(request: HttpRequest) -> HttpResponse:
        if not nobody_yet():
            return redirect("home")
        return view(request)

    handle.public = True  # type: ignore[attr-defined]
    public: Any = login_not_required(never_cache(require_http_methods(["GET", "HEAD", "POST"])(handle)))
    public.public = True
    return public  # type: ignore[no-any-return]


def _page(request: HttpRequest, step: str, status: int = 200, **context: Any) -> HttpResponse:
    names = [name for name, _label in STEPS]
    steps = [{"url": name, "label": label, "current": name == step, "done": names.index(name) < names.index(step)} for name, label in STEPS]
    template = "firm" if step == "setup" else step.removeprefix("setup-")
    form = context.get("form")
    return render(request, f"setup/{template}.html", {"steps": steps, **context}, status=422 if form is not None and form.errors else status)


@_first_run
def firm(request: HttpRequest) -> HttpResponse:
    """Step 1: name, currency, fiscal year, language. Kept in the session until the administrator exists."""
    kept = request.session.get("setup", {"language": translation.get_language() or settings.LANGUAGE_CODE})
    form = FirmForm(request.POST) if request.method == "POST" else FirmForm(initial=kept)
    if request.method == "POST" and form.is_valid():
        request.session["setup"] = form.cleaned_data
        response = redirect("setup-administrator")
        remember_language(response, form.cleaned_data["language"])
        return response
    return _page(request, "setup", form=form)


@sensitive_post_parameters("password", "again")
def _administrator(request: HttpRequest) -> HttpResponse:
    """Step 2: the first administrator, who is signed in at once."""
    house = request.session.get("setup")
    if house is None:
        return redirect("setup")
    form = AdministratorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = found_firm(house, form.cleaned_data)
        login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
        request.session.pop("setup", None)
        return redirect("setup-pipeline")
    return _page(request, "setup-administrator", form=form)


administrator = _first_run(_administrator)


@require_http_methods(["GET", "HEAD", "POST"])
@gated(may_set_up)
def pipeline(request: HttpRequest) -> HttpResponse:
    """Step 3: a way of selling, with its stages to look at. An installation that has one keeps it."""
    form = PipelineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not Pipeline.objects.exists():
            seed_pipeline(form.cleaned_data["preset"])
        return redirect("setup-colleagues")
    english = (translation.get_language() or "de").startswith("en")
    presets = [
        {"key": key, "label": en if english else de, "stages": [(stage_en if english else stage_de, rate) for _key, stage_de, stage_en, rate, _gate in stages]}
        for key, (de, en, stages) in PIPELINES.items()
    ]
    return _page(request, "setup-pipeline", form=form, presets=presets, chosen=form["preset"].value(), there=Pipeline.objects.first())


@require_http_methods(["GET", "HEAD", "POST"])
@gated(may_set_up)
def colleagues(request: HttpRequest) -> HttpResponse:
    """Step 4: invite some, or none. "More rows" keeps what is typed and adds three."""
    rows = formset_factory(ColleagueForm, formset=_Colleagues, extra=3, max_num=50, absolute_max=50)
    if request.method != "POST":
        return _page(request, "setup-colleagues", rows=rows())
    if "more" in request.POST:
        typed = request.POST.copy()
        typed["form-TOTAL_FORMS"] = str(min(50, (whole(typed.get("form-TOTAL_FORMS"), digits=3) or 0) + 3))
        return _page(request, "setup-colleagues", rows=rows(typed))
    formset = rows(request.POST)
    if not formset.is_valid():
        return _page(request, "setup-colleagues", status=422, rows=formset)
    root = Team.objects.get(parent=None)
    people = [form.cleaned_data for form in formset.forms if form.has_changed()]
    for person in people:
        invite_user(by=request.user, team=root, language=request.user.language, **person)
    if people:
        words = ngettext("%(count)s invitation is on its way.", "%(count)s invitations are on their way.", len(people))
        say(request, words % {"count": len(people)})
    return redirect("setup-done")


@require_http_methods(["GET", "HEAD"])
@gated(may_set_up)
def done(request: HttpRequest) -> HttpResponse:
    """What to do next in an empty house."""
    return render(request, "setup/done.html", {"installation": Installation.current(), "only_a_folder": only_a_folder(MailSetup.current())})

