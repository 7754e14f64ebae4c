"""The product's addresses and one that breaks while it holds what must not leave."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from crm.urls import urlpatterns as ours


@csrf_exempt
@login_not_required
def fails(request: HttpRequest, token: str) -> HttpResponse:
    secret = request.POST["name"]
    raise ValueError(f"it broke\nKey (name)=({secret}) already exists")


urlpatterns = [*ours, path("fails/<str:token>/", fails)]
