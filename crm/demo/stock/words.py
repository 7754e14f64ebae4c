"""Names for a million: surnames, firms and what is said, put together so that frequent ones are frequent and rare ones rare."""

from __future__ import annotations

import random

from crm.demo import names
from crm.demo.firm import latin

_FRONT = [
    "Ach", "Alt", "Am", "Asch", "Bach", "Berg", "Birk", "Blum", "Brück", "Buch", "Dorn", "Dürr", "Eber", "Eich", "Erl", "Falk", "Feld", "Fink", "Förd", "Gräb", "Grün", "Hag", "Hain", "Hasel", "Heid", "Hirsch",
    "Hof", "Höll", "Holz", "Hüb", "Kalt", "Kirch", "Kling", "Köst", "Kreuz", "Lang", "Lind", "Löw", "Mühl", "Münch", "Neu", "Nord", "Ober", "Öst", "Pfeif", "Quast", "Rau", "Reh", "Rieß", "Rosen", "Rüb", "Sand",
    "Schön", "Schwarz", "See", "Sieg", "Sonn", "Stein", "Stock", "Strauß", "Süd", "Tann", "Teich", "Tief", "Über", "Ufer", "Vogel", "Wald", "Weid", "Weiß", "Wies", "Wild", "Wind", "Zell", "Ziegel",
]  # fmt: skip
_BACK = ["mann", "er", "meier", "müller", "bauer", "berg", "stein", "feld", "hoff", "ing", "bach", "brink", "haus", "kamp", "ke", "le", "lich", "ner", "rath", "reuter", "schmidt", "städter", "thal", "wald", "weber"]
SURNAMES = names.LAST + [front + back for front in _FRONT for back in _BACK]
_GIVEN = {"ms": names.WOMEN, "mr": names.MEN}
THINGS = [
    "Maschinenbau", "Logistik", "Verpackungen", "Möbelwerke", "Gießerei", "Kunststofftechnik", "Blechtechnik", "Getränke", "Druckguss", "Antriebstechnik", "Küchen", "Baustoffe", "Versand", "Medizintechnik",
    "Großhandel", "Fördersysteme", "Papierfabrik", "Textilpflege", "Tiernahrung", "Käserei", "Brauerei", "Sägewerk", "Elektronik", "Werkzeugbau", "Schraubenwerk", "Landhandel", "Spedition", "Galvanik", "Armaturen", "Glashütte",
]  # fmt: skip
_FORMS = ["GmbH", "GmbH", "GmbH & Co. KG", "AG", "KG", "e. K.", "OHG", "eG", "SE"]
FIRMS = names.NORTH + names.SOUTH
HEADINGS = ["Rückruf", "Angebot besprochen", "Liefertermin", "Besuch vor Ort", "Zeichnung", "Reklamation", "Rechnung", "Jahresgespräch", "Messe", "Ersatzteile", "Wartung", "Projektstand", "Muster", "Preisanfrage"]
SAID = [phrase for talks in names.TALKS.values() for _kind, phrase, _step in talks] + names.SERVICE_TALKS
STEPS = sorted({step for talks in names.TALKS.values() for _kind, _phrase, step in talks})
COMPLAINTS = ["Antrieb läuft nicht an", "Lieferung unvollständig", "Rolle verschlissen", "Rechnung doppelt", "Lichtschranke meldet Fehler", "Gurt läuft schief", "Falsche Ware", "Transportschaden am Gestell", "Unterlagen fehlen", "Monteur nicht erschienen"]


def surname(dice: random.Random) -> str:
    """A surname: the first of the list are a hundred times as frequent as the last; one in twenty-five is a double name."""
    name = SURNAMES[int(len(SURNAMES) * dice.random() ** 2.2)]
    return name if dice.random() > 0.04 else f"{name}-{SURNAMES[int(len(SURNAMES) * dice.random())]}"


def given(dice: random.Random, salutation: str) -> str:
    """A first name that goes with the salutation."""
    found = _GIVEN[salutation]
    return found[int(len(found) * dice.random() ** 1.5)]


def firm(dice: random.Random, city: str) -> str:
    """The name of a firm: after its founder, or after its town."""
    thing, form = THINGS[int(len(THINGS) * dice.random())], _FORMS[int(len(_FORMS) * dice.random())]
    return f"{surname(dice)} {thing} {form}" if dice.random() < 0.7 else f"{thing} {city} {form}"


def slug(name: str) -> str:
    """A name as it stands in a domain."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in latin(name)).split())
