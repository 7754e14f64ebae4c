"""One key per telephone, however it was written down."""

import pytest

from crm.core.phone import dialled, phone_key

TABLE = [
    ("0221 / 12 34 56", "+49221123456"),
    ("0221/123456", "+49221123456"),
    ("(0221) 123456", "+49221123456"),
    ("+49 (0)221 123456", "+49221123456"),
    ("+49 221 123456", "+49221123456"),
    ("0049 221 123456", "+49221123456"),
    ("Tel.: 0221-123456", "+49221123456"),
    ("tel:+49221123456", "+49221123456"),
    ("0221 1234-56", "+49221123456"),
    ("0171 1234567", "+491711234567"),
    ("+43 1 5331234", "+4315331234"),
    ("0041 44 668 18 00", "+41446681800"),
    ("+1 (415) 555-2671", "+14155552671"),
    ("0221 123456, 0171 1234567", "+49221123456"),
    ("0221 123456 oder 0171 1234567", "+49221123456"),
    ("0221 123456 Durchwahl 12", "+49221123456"),
    ("\u200e+49\u00a0221\u00a0123456\u200f", "+49221123456"),
    ("", ""),
    ("-", ""),
    ("keine", ""),
    ("n/a", ""),
    ("12", ""),
    ("Zimmer 4", ""),
    ("Zimmer 4711", ""),
    ("1" * 5000, ""),
    ("\x00", ""),
    ("\ud800", ""),
    ("+999 12345678", ""),
    ("anna@example.org", ""),
]


@pytest.mark.parametrize(("text", "key"), TABLE)
def test_table(text: str, key: str) -> None:
    assert phone_key(text) == key


def test_region() -> None:
    assert phone_key("01 5331234", "AT") == "+4315331234"
    assert phone_key("+49 221 123456", "AT") == "+49221123456"


SAME = [
    ("0221 98765-0", "+49 221 987650", True),
    ("+49 (0)221 123456", "0221/12 34 56", True),
    ("tel:+49221123456", "0221-123456", True),
    ("Tel. 0171 1234567", "01711234567", True),
    ("0221 98765-0", "0221 98765-12", False),
    ("0221 9834-120", "0221 9834-121", False),
    ("0221 983412 Durchwahl 12", "0221 983412 Durchwahl 13", False),
    ("0221 983412 Durchwahl 12", "0221 983412", False),
    ("0221 983412 ext. 7", "0221 983412", False),
    ("0221 123456 oder 0171 1234567", "0221 123456", False),
    ("Zimmer 4", "zimmer  4", True),
    ("Zimmer 4", "Saal 4", False),
    ("112", "110", False),
    ("", "", True),
    ("\x00", "1" * 5000, False),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_two_spellings_dial_one_number(one: str, other: str, same: bool) -> None:
    assert (dialled(one) == dialled(other)) is same
