"""A new field without purpose, legal basis and retention fails here."""

from crm.core.registry import entries, gaps


def test_every_field_says_why_we_hold_it() -> None:
    missing, stale = gaps()
    assert not missing, f"enter these in crm/fields.py: {sorted(missing)}"
    assert not stale, f"these are gone: {sorted(stale)}"


def test_the_catalogue_can_be_read() -> None:
    assert any(entry.purpose.personal for entry in entries())
