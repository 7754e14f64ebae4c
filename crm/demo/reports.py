"""What the demo's customers report: type, priority, channel, subject, what happened, what they demand, cause, remedy, goodwill, own cost. All made up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """One story. `article` names the product; `cause`, `remedy`, `goodwill` and `own_cost` are what it came to."""

    type: str
    priority: int
    channel: str
    heading: str
    description: str
    demanded: str = ""
    article: str = ""
    touchpoint: str = ""
    cause: str = ""
    remedy: str = ""
    goodwill: int = 0
    own_cost: int = 0
    lot: str = ""


C, F, Q, R = "complaint", "fault", "question", "request"
REPORTS = [
    Report(C, 3, "phone", "Lieferung unvollständig", "Von 24 Tragrollen kamen 18 an, die Montage steht.", "Nachlieferung bis Freitag", "RB-100", "shipping", "incomplete", "replacement", 0, 140),
    Report(C, 3, "mail", "Drei Seitenführungen fehlen", "Lieferschein und Ware passen nicht zusammen, drei Führungen fehlen.", "Nachlieferung", "RB-300", "shipping", "incomplete", "replacement", 0, 95),
    Report(C, 2, "phone", "Falsche Gurtbreite geliefert", "Bestellt waren 500 mm, geliefert wurden 400 mm.", "Tausch und Erstattung der Standzeit", "GF-100", "shipping", "wrong-item", "exchange", 250, 480),
    Report(C, 3, "mail", "Liefertermin um zwei Wochen verfehlt", "Zugesagt war Kalenderwoche 34, gekommen ist die Ware zwei Wochen später.", "Nachlass", "KF-100", "shipping", "late", "discount", 300, 0),
    Report(C, 3, "phone", "Lackschaden an der Abdeckung", "Beim Auspacken war die Abdeckung zerkratzt.", "Neue Abdeckung", "GF-200", "shipping", "transport-damage", "replacement", 0, 210),
    Report(C, 2, "phone", "Lichttaster fällt wieder aus", "Fehler F-17, ein Neustart hilft für Minuten. Zweiter Ausfall in sechs Wochen.", "Dauerhafte Lösung", "RB-200", "use", "electrics", "exchange", 380, 610, "2231"),
    Report(C, 3, "mail", "Lichttaster ohne Signal", "Nach drei Wochen Betrieb kein Signal mehr, Los 2231.", "Tausch auf Garantie", "RB-200", "use", "electrics", "exchange", 0, 240, "2231"),
    Report(C, 3, "phone", "Gurt läuft nach links", "Trotz Nachstellen läuft der Gurt nach einer Schicht wieder an die Kante.", "Nachbesserung vor Ort", "GF-100", "use", "mechanics", "repair", 0, 520),
    Report(C, 3, "mail", "Lager nach vier Monaten laut", "Zwei Lager pfeifen, die Anlage ist erst seit Mai in Betrieb.", "Tausch", "VT-200", "use", "wear", "exchange", 0, 330),
    Report(C, 3, "mail", "Rechnung doppelt erhalten", "Dieselbe Rechnung kam zweimal, mit zwei Nummern.", "Storno", "", "invoice", "billed-twice", "credit", 0, 0),
    Report(C, 4, "mail", "Skonto nicht abgezogen", "Vereinbart waren 2 % Skonto, abgerechnet wurde voll.", "Gutschrift", "", "invoice", "wrong-amount", "credit", 120, 0),
    Report(C, 2, "phone", "Monteur nicht erschienen", "Termin war 8 Uhr, bis Mittag kam niemand und kein Anruf.", "Neuer Termin, Entschuldigung", "", "commissioning", "missed-date", "explanation", 0, 180),
    Report(C, 3, "letter", "Verankerung falsch gesetzt", "Zwei Stützen stehen 4 cm neben der Zeichnung.", "Nachbesserung", "ST-100", "commissioning", "bad-installation", "repair", 400, 890),
    Report(C, 4, "mail", "Betriebsanleitung nur auf Englisch", "Die Berufsgenossenschaft verlangt die deutsche Fassung.", "Deutsche Anleitung", "VT-100", "commissioning", "documents-missing", "replacement", 0, 60),
    Report(C, 3, "phone", "Hotline zwei Tage nicht erreicht", "Am Montag und Dienstag nahm niemand ab.", "Rückruf der Leitung", "", "hotline", "not-reachable", "explanation", 0, 0),
    Report(C, 3, "mail", "Falsche Auskunft zur Traglast", "Am Telefon hieß es 80 kg je Meter, laut Datenblatt sind es 50.", "Verstärkung der Stützen", "RB-100", "quote", "wrong-information", "repair", 500, 760),
    Report(F, 1, "phone", "Anlage steht, Notaus löst aus", "Der Notaus fällt nach jedem Start, die Schicht wartet.", "", "ST-200", "use"),
    Report(F, 2, "phone", "Motor läuft heiß", "Nach 20 Minuten schaltet der Motorschutz ab.", "", "GF-300", "use"),
    Report(F, 2, "phone", "Palettenheber bleibt auf halber Höhe stehen", "Seit heute früh, Fehler E-04 in der Anzeige.", "", "VT-200", "use"),
    Report(F, 3, "mail", "Kettenförderer ruckelt", "Beim Anlauf ruckelt die Kette, danach läuft sie ruhig.", "", "KF-200", "use"),
    Report(F, 3, "phone", "Lichtschranke meldet dauernd belegt", "Gereinigt ist sie, die Anzeige bleibt rot.", "", "RB-200", "use", lot="2231"),
    Report(Q, 3, "mail", "Welche Rollen passen zur Serie RB 100", "Wir brauchen zehn Stück als Vorrat.", "", "RB-100", "use"),
    Report(Q, 4, "phone", "Wartungsintervall bei Dreischichtbetrieb", "Reicht einmal im Jahr?", "", "WA-100", "maintenance"),
    Report(Q, 3, "mail", "Anschlusswerte für die neue Strecke", "Der Elektriker fragt nach Absicherung und Querschnitt.", "", "ST-100", "commissioning"),
    Report(R, 3, "phone", "Bitte um Vorführung vor Ort", "Der neue Produktionsleiter möchte die Anlage in Betrieb sehen.", "", "ST-200", "quote"),
    Report(R, 4, "mail", "Ersatzteilliste als Tabelle", "Für die Lagerverwaltung.", "", "KF-100", "maintenance"),
]
ANSWERS = [
    "Guten Tag, wir haben die Ursache gefunden und melden uns heute noch mit einem Termin.",
    "Guten Tag, das Ersatzteil geht heute mit Express raus, die Sendungsnummer folgt.",
    "Guten Tag, unser Techniker kommt morgen zwischen 8 und 10 Uhr.",
]
CALLS = ["Kunde bestätigt den Termin.", "Kunde hat Fotos geschickt, der Fehler ist zu sehen.", "Kunde ist einverstanden."]
NOTES = ["Teil liegt im Lager, Versand heute möglich.", "Wie beim letzten Mal, siehe Vorgang vom Frühjahr.", "Mit der Technik abgestimmt."]
