"""`user.has_perm`, answered by the gate."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from crm.core.access import VERBS, scope_of


class RecordBackend(BaseBackend):
    """Answers Django's `has_perm` from the gate, so that list and single check cannot disagree."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        action, _, noun = perm.rpartition(".")[2].partition("_")
        if action not in VERBS or not user_obj.is_active:
            return False
        if obj is None:
            return scope_of(user_obj).may(action, noun)
        return bool(type(obj).objects.visible_to(user_obj, action).filter(pk=obj.pk).exists())
