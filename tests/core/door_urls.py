"""The product's addresses and a few public doors, as campaigns and surveys will have them."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from crm.core.door import Door, Visit, public_door
from crm.core.models import Notification
from crm.urls import urlpatterns as ours

SURVEY = Door("survey", days=30, once=True)
UNSUBSCRIBE = Door("unsubscribe", days=400, one_click=True)


@public_door(SURVEY)
def survey(request: HttpRequest, visit: Visit) -> HttpResponse:
    if request.method == "POST":
        Notification.objects.create(user_id=visit.facts["user"], text=request.POST.get("text", ""))
        return HttpResponse("danke" if request.POST.get("text") else "leer", status=200 if request.POST.get("text") else 422)
    return HttpResponse(f"Wie war es, {visit.facts['user']}?")


@public_door(UNSUBSCRIBE)
def unsubscribe(request: HttpRequest, visit: Visit) -> HttpResponse:
    if request.method == "POST":
        Notification.objects.create(user_id=visit.facts["user"], text="abbestellt")
    return HttpResponse("ok")


urlpatterns = [*ours, path("d/survey/<str:token>/", survey, name="survey"), path("d/unsubscribe/<str:token>/", unsubscribe, name="unsubscribe")]
