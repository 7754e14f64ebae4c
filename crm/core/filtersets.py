"""The filters of a list, as every list declares them. A request gets its own copies, and only those it names get a field (`crm.core.lists.State`)."""

from __future__ import annotations

from copy import copy
from typing import Any

import django_filters


class _Declared(dict[str, Any]):
    def __deepcopy__(self, memo: Any) -> dict[str, Any]:
        return {name: _own(one) for name, one in self.items()}


def _own(declared: Any) -> Any:
    one = copy(declared)
    one.extra = dict(declared.extra)
    if declared.method is not None:
        one.method = declared.method  # bound to this copy
    return one


class FilterSet(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """Django-filter's own copies everything below a filter in depth, for each request and each filter; what a request changes is `extra` alone."""

    @classmethod
    def get_filters(cls) -> Any:
        return _Declared(super().get_filters())
