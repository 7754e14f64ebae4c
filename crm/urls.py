"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path

from crm import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("search/", pages.search, name="search"),
    path("", include("crm.core.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("profile/", include("accounts.urls")),
    path("contacts/", include("contacts.urls")),
    path("catalog/", include("crm.catalog.urls")),
    path("sales/", include("sales.urls")),
    path("insights/", include("analytics.urls")),
    path("admin/", admin.site.urls),
]
handler400 = "crm.pages.bad_request"
handler403 = "crm.pages.forbidden"
handler404 = "crm.pages.not_found"
handler500 = "crm.pages.server_error"
