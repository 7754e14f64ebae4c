"""Forms as a browser finds them on a page: where they go, their fields, and a plausible filling. Used to send every form of the product."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

PLAUSIBLE = [
    ("employer", ""), ("function", ""), ("party", ""), ("parent", ""), ("sender", ""), ("to", ""),  # chosen among contacts, not typed freely
    ("mail", "neu@example.test"), ("phone", "0221 4711"), ("telephone", "0221 4711"), ("website", "https://example.test"), ("postcode", "50667"), ("country", "DE"),
    ("founded", "1990"), ("employees", "5"), ("revenue", "5"), ("amount", "500"), ("price", "500"), ("opened", "2020-01-15"), ("valid", "2030-01-15"), ("close", "2030-01-15"),
    ("until", "2030-01-15"), ("next_step", "morgen 9 Anruf"), ("step", "morgen 9 Anruf"),
]  # fmt: skip


def plausible(name: str) -> str:
    """What a person might type into a field of this name."""
    return next((value for part, value in PLAUSIBLE if part in name and (part != "to" or name == "to")), "Text")


@dataclass
class PageForm:
    """One <form>: method, address, fields with the values it would send now; `texts` are the fields one may type into."""

    method: str
    action: str
    values: dict[str, list[str]] = field(default_factory=dict)
    required: dict[str, str] = field(default_factory=dict)  # name → input type
    options: dict[str, list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)  # name → value of the first button that sends one

    def filled(self) -> dict[str, Any]:
        """The form with something plausible in every empty text and in every required choice."""
        data: dict[str, Any] = {name: values for name, values in self.values.items() if name not in {"csrfmiddlewaretoken", "_key"}}
        data |= {name: [value] for name, value in self.buttons.items()}
        for name in dict.fromkeys([*self.texts, *self.required]):
            if any(data.get(name, [])):
                continue
            choices = [value for value in self.options.get(name, []) if value]
            data[name] = [choices[0] if choices else plausible(name)]
        return data

    @property
    def fields(self) -> list[str]:
        """Everything that can be sent, in order."""
        return list(dict.fromkeys([*self.values, *self.options, *self.texts]))


class _Reader(HTMLParser):
    def __init__(self, here: str) -> None:
        super().__init__()
        self.here, self.forms, self.by_id, self.stray = here, [], {}, []  # type: ignore[var-annotated]
        self.form: PageForm | None = None
        self.select: str = ""
        self.select_form: PageForm | None = None
        self.area: str = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        a = {key: value or "" for key, value in attributes}
        if tag == "form":
            self.form = PageForm(a.get("method", "get").lower(), a.get("action") or self.here)
            self.forms.append(self.form)
            self.by_id[a.get("id", "")] = self.form
        form = self.by_id.get(a["form"]) if "form" in a else self.form
        name = a.get("name", "")
        if form is None or not name or "disabled" in a:
            if tag == "option" and self.select and self.select_form:
                self._option(a)
            return
        if tag in {"input", "textarea", "select"} and "required" in a:
            form.required[name] = a.get("type", "text")
        if tag == "input":
            kind = a.get("type", "text")
            if kind == "file":
                form.uploads.append(name)
            elif kind in {"checkbox", "radio"}:
                form.options.setdefault(name, []).append(a.get("value", "on"))
                if "checked" in a:
                    form.values.setdefault(name, []).append(a.get("value", "on"))
            else:
                form.values.setdefault(name, []).append(a.get("value", ""))
                if kind not in {"hidden", "submit"}:
                    form.texts.append(name)
        elif tag == "textarea":
            form.values.setdefault(name, [])
            form.texts.append(name)
            self.area = name
        elif tag == "select":
            self.select, self.select_form = name, form
            form.options.setdefault(name, [])
        elif tag == "button" and a.get("value"):
            form.options.setdefault(name, []).append(a["value"])
            form.buttons.setdefault(name, a["value"])

    def _option(self, a: dict[str, str]) -> None:
        assert self.select_form is not None
        self.select_form.options[self.select].append(a.get("value", ""))
        if "selected" in a:
            self.select_form.values.setdefault(self.select, []).append(a.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self.area and self.form is not None:
            self.form.values[self.area].append(data.strip())
            self.area = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.select, self.select_form = "", None
        elif tag == "textarea":
            self.area = ""


def forms_of(html: str, here: str) -> list[PageForm]:
    """All forms of a page whose address is `here`."""
    reader = _Reader(here)
    reader.feed(html)
    return reader.forms
