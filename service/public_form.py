"""The form on the web: anybody writes to the house without an account, and reads under which number it is looked after.

No captcha and no foreign host: a field that people do not see, the time a person needs to type, and a count of each connection and address.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import EmailValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from crm.core.door import Door, Shut, Visit, connection_of, door_token, hold_back, look, public_door
from crm.core.mail.addresses import BadAddress, normalise, one_line
from crm.core.mail.message import File
from crm.core.models import Installation
from crm.core.public import here, language_of, other_languages
from crm.core.throttle import Limit
from crm.core.uploads import too_large
from service.formin import Typed, set_aside, take_form, was_sent
from service.models import Case, DeskSetup

PAGE = Door("case-form", days=2)  # the page as it was opened: which one, and when
SENT = Door("case-form-sent", days=7)
QUICKEST = 3  # seconds; nobody types faster
CONNECTION = Limit(60, at_once=20)  # a whole office may stand behind one address
ADDRESS = Limit(20, at_once=8)  # receipts have a limit of their own
EVERYBODY = Limit(600, at_once=200)
MOST_FILES = 5
MOST_BYTES = 15_000_000  # together; written as a mail they stay below `MAIL_LIMIT`
# ending → MIME type: what customers send and an office opens. Nothing that runs.
ENDINGS = {
    "pdf": "application/pdf", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "heic": "image/heic",
    "txt": "text/plain", "csv": "text/csv", "doc": "application/msword", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet", "mp4": "video/mp4", "mov": "video/quicktime", "zip": "application/zip",
}  # fmt: skip
# What each kind means, in the words of somebody who needs something.
MEANINGS = {
    Case.Type.QUESTION: (gettext_lazy("A question"), gettext_lazy("You want to know something.")),
    Case.Type.FAULT: (gettext_lazy("A fault"), gettext_lazy("Something does not work as it should.")),
    Case.Type.REQUEST: (gettext_lazy("A request"), gettext_lazy("You want us to do something for you.")),
    Case.Type.COMPLAINT: (gettext_lazy("A complaint"), gettext_lazy("You are not satisfied with us.")),
}


def ending_of(name: str) -> str:
    """What follows the last dot, in small letters; "" if nothing does."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def what_is_wrong(files: Sequence[tuple[str, int]]) -> list[str]:
    """Why these files (name, bytes) are not taken, in words; [] if they are."""
    found = []
    if len(files) > MOST_FILES:
        found.append(_("These are more than %(n)s files. Please leave some out, or pack them into one.") % {"n": MOST_FILES})
    if sum(size for _name, size in files) > MOST_BYTES:
        found.append(_("Together the files are larger than %(n)s MB. Please leave some out.") % {"n": MOST_BYTES // 1_000_000})
    found += [_("“%(name)s” is empty.") % {"name": name} for name, size in files if not size]
    found += [_("“%(name)s” is of a kind we do not take. Please send pictures, PDF, text, tables, videos or a ZIP archive.") % {"name": name} for name, _size in files if ending_of(name) not in ENDINGS]
    return found


class _Several(forms.FileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name, [])


class FilesField(forms.FileField):
    """Any number of files, in their order; what they may be is asked once for all of them."""

    widget = _Several

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = list(data or [])
        if wrong := what_is_wrong([(file.name or "", file.size or 0) for file in files]):
            raise ValidationError(wrong)
        return files


class WriteForm(forms.Form):
    """What somebody writes to the house. `website` is for machines: people do not see it. `begun` says which page it is and since when it is open."""

    kind = forms.ChoiceField(label=gettext_lazy("What is it about?"), error_messages={"required": gettext_lazy("Please choose what it is about.")})
    heading = forms.CharField(label=gettext_lazy("Subject"), max_length=160)
    words = forms.CharField(label=gettext_lazy("Your message"), max_length=10_000, widget=forms.Textarea({"rows": 7}))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, widget=forms.TextInput({"autocomplete": "name"}))
    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=254, widget=forms.EmailInput({"autocomplete": "email"}))
    phone = forms.CharField(label=gettext_lazy("Telephone (optional)"), max_length=40, required=False, widget=forms.TextInput({"autocomplete": "tel", "type": "tel"}))
    order = forms.CharField(label=gettext_lazy("Order number (optional)"), max_length=60, required=False)
    files = FilesField(label=gettext_lazy("Files (optional)"), required=False)
    website = forms.CharField(required=False, max_length=200)
    begun = forms.CharField(required=False, max_length=500)

    def __init__(self, kinds: Sequence[str], *args: Any, skipped: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds, self.skipped = kinds, skipped
        self.fields["kind"].choices = [(kind, MEANINGS[Case.Type(kind)][0]) for kind in kinds]
        self.token = door_token(PAGE, page=uuid.uuid4().hex, at=int(time.time()))

    def choices(self) -> list[dict[str, Any]]:
        """The kinds as the page draws them."""
        chosen = self["kind"].value() or ""
        return [{"value": kind, "title": MEANINGS[Case.Type(kind)][0], "text": MEANINGS[Case.Type(kind)][1], "checked": kind == chosen} for kind in self.kinds]

    def clean_email(self) -> str:
        try:
            return normalise(self.cleaned_data["email"])
        except BadAddress:
            raise ValidationError(EmailValidator.message) from None

    def clean_files(self) -> list[UploadedFile]:
        if self.skipped:
            raise ValidationError([_("“%(name)s” is too large to be taken.") % {"name": name} for name in self.skipped])
        return list(self.cleaned_data["files"])

    def clean_begun(self) -> str:
        """The name of the page. One that is open for days, or was never ours, is asked for once more; what was typed stays."""
        token = self.cleaned_data["begun"]
        try:
            facts = look(PAGE, token).facts
        except Shut:
            raise ValidationError(_("This page was open for very long. Nothing is sent yet: please send it once more.")) from None
        self.token = token
        if time.time() - int(facts["at"]) < QUICKEST:
            raise ValidationError(_("That was quicker than anybody types. Nothing is sent yet: please read it over and send it once more."))
        return str(facts["page"])

    def typed(self, language: str) -> Typed:
        """What a valid form says."""
        facts = self.cleaned_data
        lines = {name: one_line(facts[name]) for name in ("heading", "name", "phone", "order")}
        files = [File(file.name or "", ENDINGS[ending_of(file.name or "")], file.read()) for file in facts["files"]]
        return Typed(page=facts["begun"], kind=facts["kind"], words=facts["words"], email=facts["email"], language=language, files=files, **lines)

    def whole_errors(self) -> list[str]:
        """What concerns no field that people see."""
        return [*self.non_field_errors(), *self.errors.get("begun", [])]


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """The form. `?kind=` chooses beforehand what it is about. Whoever sends it gets the same answer, whether the address is known or not."""
    language = language_of(request)
    with translation.override(language):
        setup = DeskSetup.current()
        if not setup.form_open:
            return render(request, "errors/message.html", {"message": _("This form is closed at the moment. Please write us a mail or call us.")}, status=404)
        asked = request.GET.get("kind", "")
        asked = asked if asked in setup.form_kinds else ""
        if request.method != "POST":
            return _show(request, setup, WriteForm(setup.form_kinds, initial={"kind": asked}, auto_id="w-%s"), asked)
        form = WriteForm(setup.form_kinds, request.POST, request.FILES, skipped=too_large(request), auto_id="w-%s")
        try:
            hold_back("case-form.connection", connection_of(request), CONNECTION)
            if not form.is_valid():
                return _show(request, setup, form, asked, 422)
            typed = form.typed(language)
            if not was_sent(typed):
                hold_back("case-form.address", typed.email.lower(), ADDRESS)
                hold_back("case-form.everybody", "", EVERYBODY)
        except Shut as shut:
            form.add_error(None, shut.message)
            response = _show(request, setup, form, asked, 429)
            response["Retry-After"] = str(shut.wait)
            return response
        if form.cleaned_data["website"]:
            set_aside(typed)
            number = ""
        else:
            case = take_form(typed)
            number = case.number if case is not None else ""
    return HttpResponseRedirect(reverse("case-form-sent", args=[door_token(SENT, number=number, language=language)]))


@public_door(SENT, methods=("GET", "HEAD"))
def sent(request: HttpRequest, visit: Visit) -> HttpResponse:
    """It is with the house, under this number; the same for everybody."""
    setup = DeskSetup.current()
    url = f"{reverse('case-form')}?language={translation.get_language()}" if setup.form_open else ""
    context = {"title": _("We have it"), "house": Installation.current().name, "number": visit.facts.get("number", ""), "confirms": setup.acknowledges, "form_url": url}
    return render(request, "service/sent.html", context)


def _show(request: HttpRequest, setup: DeskSetup, form: WriteForm, kind: str, status: int = 200) -> HttpResponse:
    language = translation.get_language() or ""
    page = {
        "title": _("Write to us"),
        "house": Installation.current().name,
        "languages": other_languages(request, kind=kind),
        "action": here(request, language, kind=kind),
        "form": form,
        "intro": setup.form_intro_en if language.startswith("en") else setup.form_intro_de,
        "privacy_url": setup.privacy_url,
        "accept": ",".join(f".{ending}" for ending in ENDINGS),
        "most": {"files": MOST_FILES, "mb": MOST_BYTES // 1_000_000},
        "lost": [file.name for file in request.FILES.getlist("files")] if status != 200 else [],
    }
    return render(request, "service/write.html", page, status=status)
