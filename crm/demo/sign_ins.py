"""Who can be tried out: the demo users' addresses, their one password, and the sign-in page that offers them."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView
from django.conf import settings

from accounts.models import Membership

PASSWORD = "lotse-demo"  # noqa: S105 - known to everybody, made by `manage.py demo` alone
DOMAIN = "rheintal.example"


def demo_users() -> list[dict[str, str]]:
    """Those the sign-in page offers, one per role: {name, role, email, password}. Nobody unless LOTSE_DEMO is on."""
    if not settings.SHOW_DEMO_SIGN_INS:
        return []
    rows = Membership.objects.filter(user__email__endswith=f"@{DOMAIN}", user__is_active=True).select_related("user", "role").order_by("role__position", "user_id")
    first: dict[int, Membership] = {}
    for row in rows:
        first.setdefault(row.role_id, row)
    return [{"name": str(row.user), "role": str(row.role), "email": row.user.email, "password": PASSWORD} for row in first.values()]


class SignIn(LoginView):
    """allauth's sign-in page, with the demo users where there are any."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "demo_users": demo_users()}
