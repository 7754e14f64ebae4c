"""Ways of selling a new installation may start with: stages with their assumed win rates, and reasons for losing."""

from __future__ import annotations

# (key, German, English, assumed win rate in %, gate)
Preset = list[tuple[str, str, str, int, dict[str, object]]]

_AMOUNT = {"field": "amount", "op": "set"}
_PARTY = {"field": "party", "op": "set"}
_CLOSE = {"field": "expected_close", "op": "set"}

PIPELINES: dict[str, tuple[str, str, Preset]] = {
    "projects": (
        "Projektgeschäft",
        "Projects",
        [
            ("qualified", "Qualifiziert", "Qualified", 20, {}),
            ("needs", "Bedarf geklärt", "Needs clear", 40, {"all": [_PARTY]}),
            ("offer", "Angebot", "Offer", 55, {"all": [_PARTY, _AMOUNT, _CLOSE]}),
            ("negotiation", "Verhandlung", "Negotiation", 75, {"all": [_PARTY, _AMOUNT, _CLOSE]}),
            ("commitment", "Mündliche Zusage", "Verbal commitment", 90, {"all": [_PARTY, _AMOUNT, _CLOSE]}),
        ],
    ),
    "short": (
        "Kurzes Geschäft",
        "Short cycle",
        [
            ("prospecting", "Anbahnung", "Prospecting", 30, {}),
            ("engaging", "Im Gespräch", "Engaging", 60, {"all": [{"field": "product", "op": "set"}]}),
        ],
    ),
}

LOST_REASONS = [
    ("price", "Preis", "Price", False),
    ("competitor", "Wettbewerber", "Competitor", False),
    ("no-budget", "Kein Budget", "No budget", False),
    ("no-need", "Kein Bedarf mehr", "No need any more", False),
    ("timing", "Zeitpunkt", "Timing", False),
    ("features", "Leistungsumfang", "Scope of the product", False),
    ("no-answer", "Keine Rückmeldung", "No answer", False),
    ("other", "Anderer Grund", "Other reason", True),
]
