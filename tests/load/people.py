"""Who works under load: sessions of the demo firm's people, by role.

    ./lotse manage shell -c "from tests.load.people import write; write('people.json')"
"""

from __future__ import annotations

import json
from pathlib import Path

from accounts.models import Membership
from crm.demo.sign_ins import DOMAIN
from tests.browser.conftest import session_of


def sessions() -> dict[str, list[str]]:
    """role → a session of each of its people in the demo firm."""
    found: dict[str, list[str]] = {}
    for row in Membership.objects.filter(user__email__endswith=f"@{DOMAIN}", user__is_active=True).select_related("user", "role").order_by("user_id"):
        found.setdefault(row.role.key, []).append(session_of(row.user))
    return found


def write(path: str | Path) -> None:
    """Write them down for the locust file."""
    Path(path).write_text(json.dumps(sessions()))
