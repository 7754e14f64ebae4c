"""What a desk starts with, so that it works on its first day; the CRM manager changes it at will."""

from __future__ import annotations

from typing import Any

# key, German, English, region, around the clock
CALENDARS = [
    ("office", "Bürozeiten", "Office hours", "DE", False),
    ("always", "Rund um die Uhr", "Around the clock", "", True),
]
OFFICE_HOURS = ("08:00", "17:00")
HALF_DAYS = [(12, 24, "Heiligabend"), (12, 31, "Silvester")]  # open until noon, every year
NOON = "12:00"


def _when(kind: str, *, urgent: bool = False) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"field": "type", "op": "in", "value": [kind]}]
    return {"all": [*parts, {"field": "priority", "op": "in", "value": [1, 2]}] if urgent else parts}


# key, German, English, condition, acknowledged within, solved within (business hours); all by office hours
RULES: list[tuple[str, str, str, dict[str, Any], int, int]] = [
    ("urgent-fault", "Dringende Störung", "Urgent fault", _when("fault", urgent=True), 1, 9),
    ("urgent-complaint", "Dringende Beschwerde", "Urgent complaint", _when("complaint", urgent=True), 2, 18),
    ("fault", "Störung", "Fault", _when("fault"), 4, 18),
    ("complaint", "Beschwerde", "Complaint", _when("complaint"), 4, 45),
    ("other", "Frage oder Wunsch", "Question or request", {}, 9, 45),
]

# key, German, English, what belongs to it
CAUSES: list[tuple[str, str, str, list[tuple[str, str, str]]]] = [
    (
        "delivery", "Lieferung", "Delivery",
        [("incomplete", "unvollständig", "incomplete"), ("late", "verspätet", "late"), ("wrong-item", "falsche Ware", "wrong item"), ("transport-damage", "Transportschaden", "damaged in transit")],
    ),
    (
        "product", "Produkt", "Product",
        [("mechanics", "Mechanik", "mechanics"), ("electrics", "Elektrik und Steuerung", "electrics and controls"), ("wear", "Verschleiß vor der Zeit", "worn out early"), ("finish", "Oberfläche", "finish")],
    ),
    ("installation", "Montage", "Installation", [("bad-installation", "fehlerhaft ausgeführt", "badly done"), ("missed-date", "Termin nicht gehalten", "date not kept")]),
    ("billing", "Rechnung", "Invoice", [("billed-twice", "doppelt", "billed twice"), ("wrong-amount", "falscher Betrag", "wrong amount")]),
    ("advice", "Beratung", "Advice", [("wrong-information", "falsche Auskunft", "wrong information"), ("not-reachable", "nicht erreichbar", "not reachable"), ("tone", "Umgangston", "tone")]),
    ("documents", "Unterlagen", "Documents", [("documents-missing", "fehlen", "missing"), ("documents-wrong", "fehlerhaft", "wrong")]),
    ("customer-side", "Beim Kunden", "On the customer's side", [("handling", "Bedienung", "handling"), ("foreign-parts", "fremde Teile", "parts of others")]),
]  # fmt: skip

TOUCHPOINTS = [
    ("quote", "Angebot", "Quote"),
    ("order", "Bestellung", "Order"),
    ("shipping", "Lieferung", "Delivery"),
    ("commissioning", "Montage und Inbetriebnahme", "Installation and commissioning"),
    ("use", "Nutzung", "Use"),
    ("maintenance", "Wartung", "Maintenance"),
    ("invoice", "Rechnung", "Invoice"),
    ("hotline", "Hotline", "Hotline"),
]

# key, German, English, goodwill without approval up to (None: any)
REMEDIES: list[tuple[str, str, str, int | None]] = [
    ("nothing", "Nichts", "Nothing", 0),
    ("explanation", "Erklärung und Entschuldigung", "Explanation and apology", 0),
    ("repair", "Nachbesserung", "Repair", 500),
    ("exchange", "Tausch auf Garantie", "Exchange under warranty", 500),
    ("replacement", "Nachlieferung", "Replacement delivery", 500),
    ("credit", "Gutschrift", "Credit note", 500),
    ("discount", "Nachlass", "Discount", 300),
    ("return", "Rücknahme", "Return", 1000),
]

# key, German, English, German text, English text
TEXTS = [
    (
        "received", "Eingang bestätigt", "Receipt confirmed",
        "{salutation},\n\nIhr Anliegen „{subject}“ ist bei uns angekommen und hat die Nummer {number}. Ich kümmere mich darum; eine Lösung erhalten Sie spätestens bis {deadline}.\n\nMit freundlichen Grüßen\n{agent}\n{company}",
        "{salutation},\n\nWe have received your message “{subject}”; its number is {number}. I am looking after it and you will have a solution by {deadline} at the latest.\n\nKind regards\n{agent}\n{company}",
    ),
    (
        "question", "Rückfrage", "Question back",
        "{salutation},\n\nzu Ihrem Anliegen {number} fehlt uns noch eine Angabe: \n\nSobald wir sie haben, geht es weiter.\n\nMit freundlichen Grüßen\n{agent}\n{company}",
        "{salutation},\n\nTo go on with {number} we still need to know: \n\nAs soon as we have it, we go on.\n\nKind regards\n{agent}\n{company}",
    ),
    (
        "visit", "Techniker kommt", "Technician comes",
        "{salutation},\n\nzu {number} ({product}) kommt unser Techniker zu Ihnen. Der Termin: \n\nMit freundlichen Grüßen\n{agent}\n{company}",
        "{salutation},\n\nFor {number} ({product}) our technician will come to you. The date: \n\nKind regards\n{agent}\n{company}",
    ),
    (
        "solved", "Gelöst", "Solved",
        "{salutation},\n\nIhr Anliegen {number} vom {opened} ist erledigt: \n\nSollte doch noch etwas offen sein, antworten Sie bitte einfach.\n\nMit freundlichen Grüßen\n{agent}\n{company}",
        "{salutation},\n\nYour request {number} of {opened} is settled: \n\nIf anything is still open, please simply reply.\n\nKind regards\n{agent}\n{company}",
    ),
    (
        "sorry", "Entschuldigung", "Apology",
        "{salutation},\n\nwas Sie zu {number} berichten, darf nicht geschehen, und es tut uns leid. Die Ursache: \n\nMit freundlichen Grüßen\n{agent}\n{company}",
        "{salutation},\n\nWhat you report in {number} must not happen, and we are sorry. The cause: \n\nKind regards\n{agent}\n{company}",
    ),
]  # fmt: skip

# key, German, English, steps
MACROS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("confirm", "Eingang bestätigt, Frist, Zuweisung", "Confirmed, deadline, assigned", {"take": True, "acknowledge": True, "text": "received"}),
    ("ask-back", "Rückfrage, wartet auf Kunde", "Question back, waits for the customer", {"take": True, "text": "question", "wait": True}),
    ("urgent", "Dringend, ich übernehme", "Urgent, I take it", {"take": True, "acknowledge": True, "priority": 1}),
]
