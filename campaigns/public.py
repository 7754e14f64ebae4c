"""The doors of a counted mail: its links lead on, its picture is shown. What is kept of it stands in `campaigns.tracking`."""

from __future__ import annotations

import re
from base64 import b64decode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from campaigns.content import links_of
from campaigns.models import Variant
from campaigns.tracking import LINK, SHOWN, keep_touch
from campaigns.verdict import Kind
from crm.core.door import Shut, Visit, public_door

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # one clear point, as GIF
_AHEAD = re.compile("prefetch|preview|prerender", re.IGNORECASE)


@public_door(LINK, methods=("GET", "HEAD"))
def click(request: HttpRequest, visit: Visit) -> HttpResponse:
    """On to where the mail says; link 0 is the one nobody sees and leads nowhere."""
    number = int(visit.facts["n"])
    variant = Variant.objects.unrestricted().filter(pk=visit.facts["v"]).first()
    links = links_of(variant.blocks) if variant else []
    if not 0 <= number <= len(links):
        raise Shut(404, _("This link is not complete. Please copy it from the mail as a whole."))
    _keep(request, visit, Kind.CLICK if number else Kind.TRAP, number)
    return HttpResponseRedirect(links[number - 1]) if number else HttpResponse(status=204)


@public_door(SHOWN, methods=("GET", "HEAD"))
def picture(request: HttpRequest, visit: Visit) -> HttpResponse:
    """One clear point."""
    _keep(request, visit, Kind.OPEN)
    return HttpResponse(PIXEL, content_type="image/gif")


def _keep(request: HttpRequest, visit: Visit, kind: Kind, link: int = 0) -> None:
    said = " ".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"))
    keep_touch(int(visit.facts["d"]), kind, link, agent=request.headers.get("User-Agent", ""), head=request.method == "HEAD", ahead=bool(_AHEAD.search(said)))
