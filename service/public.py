"""Pages for customers, without an account: how was it? Nothing of the house's inside stands on them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.door import Shut, Visit, public_door
from crm.core.errors import RuleBroken
from crm.core.models import Installation
from service.models import Case
from service.satisfaction import RATING, labels, rate_case

ICONS = {5: "mood-happy", 4: "mood-smile", 3: "mood-empty", 2: "mood-sad", 1: "mood-cry"}


class RatingForm(forms.Form):
    """A score and, perhaps, words."""

    score = forms.TypedChoiceField(coerce=int, choices=[(score, str(score)) for score in ICONS], error_messages={"required": gettext_lazy("Please choose one of the five faces.")})
    words = forms.CharField(label=gettext_lazy("What should we know? (optional)"), required=False, max_length=2000, widget=forms.Textarea({"rows": 4}))


@public_door(RATING)
def rating(request: HttpRequest, visit: Visit) -> HttpResponse:
    """GET shows the faces, one chosen if the link says so; POST keeps the answer. Mail scanners that look answer nothing."""
    case = Case.objects.unrestricted().filter(pk=visit.facts.get("case", 0)).first()
    if case is None:
        raise Shut(410, _("This link is no longer valid. Please ask for a new one."))
    form = RatingForm(request.POST if request.method == "POST" else None, initial={"score": request.GET.get("score", "")})
    context: dict[str, Any] = {"house": Installation.current().name, "number": case.number, "title": _("How was it?")}
    if form.is_valid():
        try:
            rate_case(case, **form.cleaned_data)
        except RuleBroken as broken:
            raise Shut(410, broken.message) from None
        return render(request, "service/thanks.html", {**context, "title": _("Thank you")})
    chosen = str(form["score"].value() or "")
    faces = [{"score": score, "icon": ICONS[score], "label": label, "checked": str(score) == chosen} for score, label in zip(ICONS, labels(), strict=True)]
    return render(request, "service/rating.html", {**context, "form": form, "faces": faces}, status=422 if form.is_bound else 200)
