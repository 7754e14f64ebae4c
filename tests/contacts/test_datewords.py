"""Due dates as typed before a task, German and English alike: one table, seen from one moment."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.datewords import read_due

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 10, 30, tzinfo=BERLIN)  # a Wednesday, calendar week 47

# typed, when ("MM-DD HH:MM" of 2026, or with the year), what is left
TABLE = [
    ("Mo 9 Anruf", "11-23 09:00", "Anruf"),
    ("Mo 9:15 Anruf", "11-23 09:15", "Anruf"),
    ("Mo. 9 Uhr Anruf", "11-23 09:00", "Anruf"),
    ("Montag Anruf", "11-23 09:00", "Anruf"),
    ("am Montag um 14 Uhr Anruf bei Meier", "11-23 14:00", "Anruf bei Meier"),
    ("Mi Angebot", "11-25 09:00", "Angebot"),
    ("Mi 15 Angebot", "11-18 15:00", "Angebot"),
    ("Mi 9 Angebot", "11-25 09:00", "Angebot"),
    ("Do 14:30 Angebot", "11-19 14:30", "Angebot"),
    ("So 11 Brunch", "11-22 11:00", "Brunch"),
    ("Sonnabend 10 Uhr Messe", "11-21 10:00", "Messe"),
    ("Freitag, 16 Uhr: Abschluss", "11-20 16:00", "Abschluss"),
    ("Freitag Nachmittag Rückruf", "11-20 14:00", "Rückruf"),
    ("morgen", "11-19 09:00", ""),
    ("Morgen Anruf", "11-19 09:00", "Anruf"),
    ("morgen früh Anruf", "11-19 08:00", "Anruf"),
    ("morgen abend Essen", "11-19 18:00", "Essen"),
    ("morgen 7:05 Zug", "11-19 07:05", "Zug"),
    ("morgen 3 Angebote schreiben", "11-19 09:00", "3 Angebote schreiben"),
    ("übermorgen 14:30 Angebot", "11-20 14:30", "Angebot"),
    ("uebermorgen Angebot", "11-20 09:00", "Angebot"),
    ("heute 17 Uhr Rückruf", "11-18 17:00", "Rückruf"),
    ("heute Rückruf", "11-18 10:30", "Rückruf"),
    ("heute 8 Uhr Rückruf", "11-18 08:00", "Rückruf"),
    ("heute Nachmittag Rückruf", "11-18 14:00", "Rückruf"),
    ("in 3 Tagen", "11-21 09:00", ""),
    ("in drei Tagen nachfassen", "11-21 09:00", "nachfassen"),
    ("in 2 Wochen nachfassen", "12-02 09:00", "nachfassen"),
    ("in einer Woche 10 Uhr nachfassen", "11-25 10:00", "nachfassen"),
    ("in einem Monat nachfassen", "12-18 09:00", "nachfassen"),
    ("in 3 Monaten nachfassen", "2027-02-18 09:00", "nachfassen"),
    ("in 1 Jahr", "2027-11-18 09:00", ""),
    ("in 2 Stunden Rückruf", "11-18 12:30", "Rückruf"),
    ("in 45 min Rückruf", "11-18 11:15", "Rückruf"),
    ("in 1/2 Stunde Rückruf", None, ""),
    ("nächste Woche", "11-23 09:00", ""),
    ("nächste Woche Mittwoch 10 Uhr Termin", "11-25 10:00", "Termin"),
    ("Mittwoch nächste Woche Termin", "11-25 09:00", "Termin"),
    ("nächsten Freitag Termin", "11-20 09:00", "Termin"),
    ("kommenden Montag Termin", "11-23 09:00", "Termin"),
    ("nächsten Monat Jahresgespräch", "12-01 09:00", "Jahresgespräch"),
    ("Ende der Woche Bericht", "11-20 09:00", "Bericht"),
    ("Ende des Monats Bericht", "11-30 09:00", "Bericht"),
    ("Monatsende Bericht", "11-30 09:00", "Bericht"),
    ("KW 50 Messe", "12-07 09:00", "Messe"),
    ("KW 3 Messe", "2027-01-18 09:00", "Messe"),
    ("24.12.", "12-24 09:00", ""),
    ("24.12. Karte", "12-24 09:00", "Karte"),
    ("24.12 Karte", "12-24 09:00", "Karte"),
    ("am 24.12.2026 um 8:00 Karte", "12-24 08:00", "Karte"),
    ("24.12.26 Karte", "12-24 09:00", "Karte"),
    ("1.2. Messe", "2027-02-01 09:00", "Messe"),
    ("18.11. Messe", "11-18 10:30", "Messe"),
    ("bis 30.11. Angebot", "11-30 09:00", "Angebot"),
    ("3. Dezember Feier", "12-03 09:00", "Feier"),
    ("3. März 2027 Feier", "2027-03-03 09:00", "Feier"),
    ("2026-12-24 18:00 Feier", "12-24 18:00", "Feier"),
    ("14:30 Anruf", "11-18 14:30", "Anruf"),
    ("9:30 Anruf", "11-19 09:30", "Anruf"),
    ("16 Uhr Anruf", "11-18 16:00", "Anruf"),
    ("halb 12 Anruf", "11-18 11:30", "Anruf"),
    ("mittags Anruf", "11-18 12:00", "Anruf"),
    ("Fri 9am call", "11-20 09:00", "call"),
    ("Fri 2pm call", "11-20 14:00", "call"),
    ("Friday 2:30 pm call", "11-20 14:30", "call"),
    ("12am backup", "11-19 00:00", "backup"),
    ("12pm lunch", "11-18 12:00", "lunch"),
    ("noon lunch", "11-18 12:00", "lunch"),
    ("tomorrow", "11-19 09:00", ""),
    ("Tomorrow at 4 pm call Tom", "11-19 16:00", "call Tom"),
    ("tomorrow morning call", "11-19 09:00", "call"),
    ("tomorrow afternoon call", "11-19 14:00", "call"),
    ("tonight call", "11-18 18:00", "call"),
    ("today at 15:00 call", "11-18 15:00", "call"),
    ("day after tomorrow offer", "11-20 09:00", "offer"),
    ("the day after tomorrow offer", "11-20 09:00", "offer"),
    ("next monday", "11-23 09:00", ""),
    ("on Monday offer", "11-23 09:00", "offer"),
    ("next week offer", "11-23 09:00", "offer"),
    ("Wednesday next week offer", "11-25 09:00", "offer"),
    ("next month review", "12-01 09:00", "review"),
    ("end of week report", "11-20 09:00", "report"),
    ("end of month report", "11-30 09:00", "report"),
    ("in 3 days call", "11-21 09:00", "call"),
    ("in a week call", "11-25 09:00", "call"),
    ("in two weeks call", "12-02 09:00", "call"),
    ("in an hour call", "11-18 11:30", "call"),
    ("Dec 24 card", "12-24 09:00", "card"),
    ("December 24th, 2026 card", "12-24 09:00", "card"),
    ("24 December card", "12-24 09:00", "card"),
    ("12/24 card", "12-24 09:00", "card"),
    ("12/24/2026 card", "12-24 09:00", "card"),
    ("24/12/2026 card", "12-24 09:00", "card"),
    ("by Friday offer", "11-20 09:00", "offer"),
    ("Übermorgen Anruf", "11-20 09:00", "Anruf"),
    ("ÜBERMORGEN 14 UHR ANRUF", "11-20 14:00", "ANRUF"),
    ("3. MÄRZ Feier", "2027-03-03 09:00", "Feier"),
    ("Fr Angebot", "11-20 09:00", "Angebot"),
    ("Fr. 10 Uhr Angebot", "11-20 10:00", "Angebot"),
    ("Mo 24.12. Karte", "12-24 09:00", "Karte"),
    ("morgen 10 Angebote schreiben", "11-19 10:00", "Angebote schreiben"),
    ("2 Stunden Rückruf", None, ""),
    ("in 2 Stunden Rückruf", "11-18 12:30", "Rückruf"),
    # at the end
    ("Treffen um 14:30", "11-18 14:30", "Treffen"),
    ("Anruf bei Meier morgen", "11-19 09:00", "Anruf bei Meier"),
    ("Anruf bei Meier morgen um 14 Uhr", "11-19 14:00", "Anruf bei Meier"),
    ("Anruf Mo 9", "11-23 09:00", "Anruf"),
    ("Angebot bis Freitag", "11-20 09:00", "Angebot"),
    ("Angebot, 24.12.", "12-24 09:00", "Angebot"),
    ("call Tom on Friday at 9am", "11-20 09:00", "call Tom"),
    ("send offer in 3 days", "11-21 09:00", "send offer"),
    # nothing
    ("", None, ""),
    ("   ", None, ""),
    ("Anruf", None, ""),
    ("So geht das nicht", None, ""),
    ("Do the offer", None, ""),
    ("Di Caprio anrufen", None, ""),
    ("Sun Microsystems anrufen", None, ""),
    ("May call again", None, ""),
    ("Mark anrufen", None, ""),
    ("9 Angebote schreiben", None, ""),
    ("Angebot 4711", None, ""),
    ("Version 2.12 prüfen", None, ""),
    ("31.2. Karte", None, ""),
    ("5/6 fertig", None, ""),
    ("Fr. Meier anrufen", None, ""),
    ("ſo 9 x", None, ""),
    ("das machen wir so", None, ""),
    ("3:0 gewonnen", None, ""),
    ("25:00 Anruf", None, ""),
    ("Montagsrunde vorbereiten", None, ""),
    ("morgens anrufen", None, ""),
    ("in 3 Phasen planen", None, ""),
    ("in 999999999 Tagen", None, ""),
    ("in " + "9" * 5000 + " Tagen", None, ""),
    ("9" * 5000, None, ""),
    ("KW 60", None, ""),
    ("Rechnung 24.12.2026/5", None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "when", "rest"), TABLE)
def test_table(typed: str, when: str | None, rest: str) -> None:
    found = read_due(typed, NOW)
    if when is None:
        assert found is None
        return
    assert found is not None
    expected = datetime.strptime(when if len(when) > 11 else f"2026-{when}", "%Y-%m-%d %H:%M").replace(tzinfo=BERLIN)
    assert (found.at, found.rest) == (expected, rest)


def test_the_readers_hour_counts() -> None:
    assert read_due("morgen", datetime(2026, 11, 18, 23, 30, tzinfo=UTC)) == (datetime(2026, 11, 19, 9, tzinfo=UTC), "")
    local = datetime(2026, 11, 18, 23, 30, tzinfo=UTC).astimezone(BERLIN)
    found = read_due("morgen", local)
    assert found is not None and found.at == datetime(2026, 11, 20, 9, tzinfo=BERLIN)


def test_across_the_change_of_clocks() -> None:
    saturday = datetime(2026, 10, 24, 10, tzinfo=BERLIN)
    found = read_due("in 2 Tagen 9 Uhr", saturday)
    assert found is not None and found.at.isoformat() == "2026-10-26T09:00:00+01:00"
    hours = read_due("in 24 Stunden", saturday)
    assert hours is not None and hours.at.isoformat() == "2026-10-25T09:00:00+01:00"
    skipped = read_due("29.3.2026 2:30", datetime(2026, 3, 1, tzinfo=BERLIN))
    assert skipped is not None and skipped.at.isoformat() == "2026-03-29T03:30:00+02:00"


def test_month_ends() -> None:
    january = datetime(2027, 1, 31, 10, tzinfo=BERLIN)
    for typed, when in (
        ("in 1 Monat", "2027-02-28"),
        ("nächsten Monat", "2027-02-01"),
        ("29.2.", "2028-02-29"),
        ("Monatsende", "2027-01-31"),
    ):
        found = read_due(typed, january)
        assert found is not None and found.at.date().isoformat() == when


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        read_due("morgen", datetime(2026, 11, 18))


WORDS = st.sampled_from(
    [
        "Mo",
        "Montag",
        "morgen",
        "9",
        "14:30",
        "Uhr",
        "in",
        "3",
        "Tagen",
        "next",
        "week",
        "am",
        "bis",
        "24.12.",
        "2026",
        "Dec",
        "31",
        "KW",
        "pm",
        ",",
        ".",
        ":",
        "/",
        "Ende",
        "der",
        "99999",
        "halb",
        "Anruf",
    ]
)


@given(st.lists(WORDS, max_size=8).map(" ".join) | st.text(max_size=40), st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))
def test_any_text_is_a_time_or_none(typed: str, now: datetime) -> None:
    found = read_due(typed, now.replace(tzinfo=BERLIN))
    if found:
        assert found.at.utcoffset() is not None
        assert found.rest == found.rest.strip()
        assert len(found.rest) < len(typed)


@given(st.text(st.sampled_from("abcdefgh xyz"), max_size=20).map(str.strip))
def test_the_rest_is_what_was_typed(rest: str) -> None:
    found = read_due(f"morgen 14:30 {rest}", NOW)
    assert found is not None and found.rest == rest
