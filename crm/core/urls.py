"""Addresses of the shell."""

from django.urls import path

from crm.core import converters, monitoring, pages  # noqa: F401  (the import registers <id:pk>)

urlpatterns = [
    path("jobs/", pages.job_list, name="job-list"),
    path("jobs/running/", pages.job_bar, name="job-bar"),
    path("jobs/<id:pk>/", pages.job_detail, name="job-detail"),
    path("jobs/<id:pk>/cancel/", pages.job_cancel, name="job-cancel"),
    path("jobs/<id:pk>/resume/", pages.job_resume, name="job-resume"),
    path("notifications/", pages.notifications, name="notifications"),
    path("notifications/read/", pages.notifications_read, name="notifications-read"),
    path("undo/<uuid:token>/", pages.undo, name="undo"),
    path("preferences/language/", pages.set_language, name="set-language"),
    path("preferences/theme/", pages.set_theme, name="set-theme"),
    path("views/", pages.save_view, name="view-save"),
    path("views/<id:pk>/delete/", pages.delete_view, name="view-delete"),
    path("setup/data/", pages.data_catalogue, name="data-catalogue"),
    path("health/", pages.healthy, name="health"),
    path("ready/", pages.ready, name="ready"),
    path("metrics", monitoring.metrics, name="metrics"),  # without a slash, as monitoring systems expect it
]
