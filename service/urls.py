"""Addresses of service."""

from django.urls import include, path

from crm.core import converters  # noqa: F401  (the import registers <id:pk>)
from service import causes, mails, views
from service.crud import Cases

_VERBS = [
    "take", "acknowledge", "wait", "resume", "solve", "close", "reopen", "assign", "log", "macro", "grant", "decide", "merge", "link", "unlink", "changes", "why",
]  # fmt: skip

urlpatterns = [
    path("desk/", views.desk, name="desk"),
    path("causes/", causes.causes, name="causes"),
    *(path(f"cases/<id:pk>/{verb}/", getattr(views, verb), name=f"case-{verb}") for verb in _VERBS),
    path("cases/<id:pk>/contact/", mails.contact, name="case-contact"),
    path("cases/<id:pk>/mails/<id:mail>/", mails.mail, name="case-mail"),
    path("cases/<id:pk>/mails/<id:mail>/raw/", mails.raw, name="case-mail-raw"),
    path("cases/<id:pk>/mails/<id:mail>/files/<int:number>/", mails.file, name="case-mail-file"),
    path("cases/", include(Cases.urls())),
]
