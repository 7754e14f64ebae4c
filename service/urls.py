"""Addresses of service."""

from django.urls import include, path

from crm.core import converters  # noqa: F401  (the import registers <id:pk>)
from service import causes, views
from service.crud import Cases

_VERBS = [
    "take", "acknowledge", "wait", "resume", "solve", "close", "reopen", "assign", "log", "macro", "grant", "decide", "merge", "link", "unlink", "changes", "why",
]  # fmt: skip

urlpatterns = [
    path("desk/", views.desk, name="desk"),
    path("causes/", causes.causes, name="causes"),
    *(path(f"cases/<id:pk>/{verb}/", getattr(views, verb), name=f"case-{verb}") for verb in _VERBS),
    path("cases/", include(Cases.urls())),
]
