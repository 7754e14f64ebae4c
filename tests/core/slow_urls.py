"""The product's addresses and one that asks the database for too much."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from crm.core.pages import signed_in
from crm.core.views import gated
from crm.urls import urlpatterns as ours


@gated(signed_in)
def slow(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    return HttpResponse("ok")


urlpatterns = [*ours, path("slow/", slow, name="slow")]
