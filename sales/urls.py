"""Addresses of sales."""

from django.urls import include, path

from crm.core import converters  # noqa: F401  (the import registers <id:pk>)
from sales import views
from sales.crud import Opportunities

urlpatterns = [
    path("board/", views.board, name="board"),
    path("opportunities/<id:pk>/move/", views.move, name="opportunity-move"),
    path("opportunities/<id:pk>/win/", views.win, name="opportunity-win"),
    path("opportunities/<id:pk>/lose/", views.lose, name="opportunity-lose"),
    path("opportunities/<id:pk>/reopen/", views.reopen, name="opportunity-reopen"),
    path("opportunities/<id:pk>/log/", views.log, name="opportunity-log"),
    path("opportunities/<id:pk>/steps/", views.plan_step, name="opportunity-step"),
    path("opportunities/<id:pk>/share/", views.share, name="opportunity-share"),
    path("opportunities/<id:pk>/unshare/", views.unshare, name="opportunity-unshare"),
    path("opportunities/<id:pk>/changes/", views.changes, name="opportunity-changes"),
    path("opportunities/<id:pk>/why/", views.why, name="opportunity-why"),
    path("opportunities/", include(Opportunities.urls())),
    path("imports/", include("sales.imports.urls")),
]
