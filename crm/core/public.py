"""The language of a page that anybody may open: that which was chosen on the page, else the link's or the browser's."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation


def language_of(request: HttpRequest) -> str:
    """The code of the language this visitor reads in."""
    chosen = request.GET.get("language", "")
    return chosen if chosen in dict(settings.LANGUAGES) else translation.get_language() or settings.LANGUAGE_CODE


def other_languages(request: HttpRequest, **further: str) -> list[dict[str, str]]:
    """The same page in the other languages: [{code, name, url}]."""
    names = {code: translation.get_language_info(code)["name_local"] for code, _name in settings.LANGUAGES}
    return [{"code": code, "name": name, "url": here(request, code, **further)} for code, name in names.items() if code != translation.get_language()]


def here(request: HttpRequest, language: str, **further: str) -> str:
    """The address of this page in a language; `further` are other parts of its query, left out where they are empty."""
    return f"{request.path}?{urlencode({'language': language, **{name: value for name, value in further.items() if value}})}"
