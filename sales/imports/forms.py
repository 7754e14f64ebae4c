"""Forms of the import: the upload, the columns, the decisions."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from sales.imports.files import path_of
from sales.imports.models import ImportFile, ImportQuestion, ImportRun, Kind
from sales.imports.questions import choices, common_choices, sentence
from sales.imports.stages import pipeline_choices
from sales.imports.targets import FIELDS
from sales.imports.words import kind_label

MOST_FILES = 20
MOST_ASKED = 100  # questions of one kind
_SALT = "sales.imports.kept"


class Choice(forms.ChoiceField):
    """A select as our pages draw it."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "class": "form-select"}


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once; an empty choice is no error here, because files may have been received before."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if len(files) > MOST_FILES:
            raise forms.ValidationError(_("Please choose at most %(n)s files at once."), params={"n": MOST_FILES})
        return [file for file in files if file]


class UploadForm(forms.Form):
    """Files and where they come from. What was received is not asked for twice: it comes back signed in `kept`."""

    source = forms.CharField(
        label=_("Where do the data come from?"), max_length=80,
        help_text=_("A name for the other system. Under the same name the next export finds its records again."),
    )  # fmt: skip
    files = FilesField(  # type: ignore[assignment]
        label=_("CSV files"), required=False, help_text=_("Encoding, separator and header are found out. Nothing is brought in before you have seen what would happen."))

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["files"].widget.attrs["accept"] = ".csv,.txt,.tsv,text/csv"

    def kept(self) -> list[tuple[str, str]]:
        """(name, digest) of files received with an earlier try."""
        found = []
        for token in self.data.getlist("kept")[:MOST_FILES] if isinstance(self.data, QueryDict) else []:
            try:
                name, digest = signing.loads(token, salt=_SALT, max_age=86_400)
            except signing.BadSignature:
                continue
            if path_of(str(digest)).is_file():
                found.append((str(name), str(digest)))
        return found


def kept_token(name: str, digest: str) -> str:
    """A file that was received, as a hidden field."""
    return signing.dumps([name, digest], salt=_SALT)


class MappingForm(forms.Form):
    """Kind and columns of every file. Fields: `pipeline`, `kind-<file>`, `col-<file>-<column>`."""

    pipeline = forms.ChoiceField(label=_("Pipeline of the opportunities"))

    def __init__(self, *args: Any, run: ImportRun, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run = run
        self.imported = list(run.files.all())
        self.fields["pipeline"].choices = pipeline_choices()  # type: ignore[attr-defined]
        self.fields["pipeline"].initial = run.pipeline
        for file in self.imported:
            self.fields[f"kind-{file.pk}"] = Choice(
                label=_("This file holds"), required=False, initial=file.kind, choices=[("", kind_label("")), *Kind.choices]
            )
            for place, label in enumerate(file.header):
                self.fields[f"col-{file.pk}-{place}"] = Choice(
                    label=label or str(place + 1), required=False, initial=file.mapping.get(str(place), ""), choices=self._targets(file)
                )

    def _kind(self, file: ImportFile) -> str:
        kind = self.data.get(f"kind-{file.pk}", file.kind) if self.is_bound else file.kind
        return kind if kind in Kind.values else ""

    def _targets(self, file: ImportFile) -> list[tuple[str, Any]]:
        chosen = self._kind(file)
        # a column chosen for another kind is not refused here: the kind was changed in this very form and is guessed anew
        known = {field.key for kind in FIELDS.values() for field in kind} - {field.key for field in FIELDS.get(chosen, ())}
        rest = [(key, key) for key in sorted(known)] if self.is_bound and chosen != file.kind else []
        return [("", _("do not bring in")), *((field.key, field.label) for field in FIELDS.get(chosen, ())), *rest]

    def clean(self) -> dict[str, Any]:
        for file in self.imported:
            if self._kind(file) != file.kind:
                continue
            taken: dict[str, str] = {}
            for place in range(len(file.header)):
                name = f"col-{file.pk}-{place}"
                key = self.cleaned_data.get(name, "")
                if key and key in taken:
                    self.add_error(name, _("Another column fills this already."))
                elif key:
                    taken[key] = name
        return self.cleaned_data

    def mappings(self) -> dict[int, tuple[str, dict[str, str]]]:
        """File → (kind, {column: target})."""
        found = {}
        for file in self.imported:
            chosen = ((place, self.cleaned_data.get(f"col-{file.pk}-{place}", "")) for place in range(len(file.header)))
            found[file.pk] = (self.cleaned_data[f"kind-{file.pk}"], {str(place): key for place, key in chosen if key})
        return found

    def sections(self) -> list[dict[str, Any]]:
        """What the page draws: each file with its columns and the first values of each."""
        return [
            {
                "file": file,
                "kind": self[f"kind-{file.pk}"],
                "chosen": self._kind(file),
                "columns": [
                    {"field": self[f"col-{file.pk}-{place}"], "samples": [row[place] for row in file.samples if place < len(row) and row[place]][:3]}
                    for place in range(len(file.header))
                ],
            }
            for file in self.imported
        ]


class DecisionForm(forms.Form):
    """One choice for each question of the dry run: fields `q-<question>`, the questions with most rows first.

    Of very many questions of one kind those beyond `MOST_ASKED` are decided together: field `rest-<kind>`.
    """

    def __init__(self, *args: Any, run: ImportRun, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions: list[ImportQuestion] = []
        self.rest: dict[str, list[ImportQuestion]] = {}
        for kind, found in groupby(run.questions.all(), key=lambda question: question.kind):
            asked = list(found)
            self.questions += asked[:MOST_ASKED]
            if asked[MOST_ASKED:]:
                self.rest[kind] = asked[MOST_ASKED:]
                label = format_lazy(_("All other questions of this kind ({n})"), n=len(self.rest[kind]))
                self.fields[f"rest-{kind}"] = Choice(label=label, choices=[("", _("as proposed")), *common_choices(kind)], required=False)
        for question in self.questions:
            self.fields[f"q-{question.pk}"] = Choice(label=sentence(question), initial=question.choice, choices=choices(question))

    def answers(self) -> dict[int, str]:
        """Question → choice."""
        found = {question.pk: self.cleaned_data[f"q-{question.pk}"] for question in self.questions}
        for kind, rest in self.rest.items():
            if self.cleaned_data[f"rest-{kind}"]:
                found |= dict.fromkeys((question.pk for question in rest), self.cleaned_data[f"rest-{kind}"])
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Each question with its field and the rows it concerns."""
        single = [{"question": question, "field": self[f"q-{question.pk}"], "rows": question.rows} for question in self.questions]
        return single + [{"question": None, "field": self[f"rest-{kind}"], "rows": sum(q.rows for q in rest)} for kind, rest in self.rest.items()]
