"""Every form of the product, sent with the number of somebody else's record in each of its choices (A6 of reliability)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import ForeignKey

from crm.core.models import Change
from tests.access.addresses import pages
from tests.pageforms import forms_of

# Names under which our forms ask for a record, and which foreign record is put there.
TARGETS = {"party": "organisation", "parent": "organisation", "employer": "organisation", "to": "organisation", "subject": "opportunity", "opportunity": "opportunity", "person": "person"}


def tried(world: Any, browser: Any) -> Iterator[tuple[str, str]]:
    """(field and address, what was wrong) of each try; "" means refused or ignored, as it should be."""
    seen = set()
    for address in pages(world, world.own).values():
        page = browser.get(address)
        if page.status_code != 200 or "html" not in page.get("Content-Type", ""):
            continue
        for form in forms_of(page.content.decode(), address):
            for field in form.fields:
                kind = TARGETS.get(field.removeprefix("id_"))
                if form.method != "post" or kind is None or (form.action, field) in seen:
                    continue
                seen.add((form.action, field))
                foreign = getattr(world.foreign, kind)
                here, last = transaction.savepoint(), Change.objects.order_by("-id").values_list("id", flat=True).first() or 0
                answer = browser.post(form.action, {**form.filled(), field: [str(foreign.pk)]})
                made = [change for change in Change.objects.filter(id__gt=last, op__in="IU") if names(change, foreign)]
                transaction.savepoint_rollback(here)
                yield f"{field} {form.action}", f"accepted ({answer.status_code})" if made else ""


def names(change: Change, record: Any) -> bool:
    """Does the changed row point at the record?"""
    columns = {
        field.column
        for model in (content_type.model_class() for content_type in ContentType.objects.all())
        if model is not None and model._meta.db_table == change.relation
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model._meta.concrete_model is type(record)._meta.concrete_model
    }
    return any((change.after or {}).get(column) == record.pk for column in columns)
