"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from campaigns import public
from crm import pages, setup_wizard
from crm.demo.sign_ins import SignIn
from service.public import rating
from service.public_form import sent, write

urlpatterns = [
    path("", pages.home, name="home"),
    path("today/", pages.today_page, name="today"),
    path("setup/", setup_wizard.firm, name="setup"),
    path("setup/administrator/", setup_wizard.administrator, name="setup-administrator"),
    path("setup/pipeline/", setup_wizard.pipeline, name="setup-pipeline"),
    path("setup/colleagues/", setup_wizard.colleagues, name="setup-colleagues"),
    path("setup/done/", setup_wizard.done, name="setup-done"),
    path("search/", pages.search, name="search"),
    path("contacts/<id:pk>/opportunities/", pages.party_opportunities, name="party-opportunities"),
    path("contacts/<id:pk>/cases/", pages.party_cases, name="party-cases"),
    path("", include("crm.core.urls")),
    path("accounts/login/", SignIn.as_view(), name="account_login"),
    path("accounts/email/", RedirectView.as_view(pattern_name="profile"), name="account_email"),  # addresses are changed by the CRM manager
    path("accounts/", include("allauth.account.urls")),
    path("profile/", include("accounts.urls")),
    path("contacts/", include("contacts.urls")),
    path("consent/", include("contacts.public_urls")),
    path("catalog/", include("crm.catalog.urls")),
    path("sales/", include("sales.urls")),
    path("service/", include("service.urls")),
    path("campaigns/", include("campaigns.urls")),
    path("insights/", include("analytics.urls")),
    path("write/", write, name="case-form"),
    path("write/sent/<str:token>/", sent, name="case-form-sent"),
    path("how-was-it/<str:token>/", rating, name="case-rating"),
    path("to/<str:token>/", public.click, name="campaign-link"),
    path("point/<str:token>/", public.picture, name="campaign-picture"),
    path("admin/", admin.site.urls),
]
handler400 = "crm.pages.bad_request"
handler403 = "crm.pages.forbidden"
handler404 = "crm.pages.not_found"
handler500 = "crm.pages.server_error"
