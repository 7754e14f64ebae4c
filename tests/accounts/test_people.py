"""The choices that are drawn without templates: what somebody called a team or a person stays text."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Team
from accounts.people import PlainSelect

pytestmark = pytest.mark.django_db
NAME = 'Nord <script>alert("&")</script>'


def test_keys_and_labels_are_text() -> None:
    drawn = PlainSelect(choices=[("", "alle"), ('"x', NAME), (7, "Süd")]).render("team", "7", {"id": "id_team"})
    assert '<option value="">alle</option>' in drawn and '<option value="7" selected>Süd</option>' in drawn
    assert '<option value="&quot;x">Nord &lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;</option>' in drawn
    assert drawn.count("selected") == 1 and "<script" not in drawn


@pytest.mark.parametrize("address", ["/contacts/people/", "/sales/opportunities/", "/service/cases/"])
def test_a_list_draws_a_teams_name_as_text(cast: Any, sign_in: Any, address: str) -> None:
    team = Team.objects.create(name=NAME, parent=cast.firm.root)
    page = sign_in(cast.emil).get(address, {"team": team.pk}).content.decode()
    assert "<script>alert" not in page and "Nord &lt;script&gt;" in page
