"""Pairs of parties, labelled by hand: the same one (True) or not. They judge `contacts.dedupe`.

Written as an employee would type them; what only looks alike (families, colleagues, branches, namesakes) stands beside what is the same.
"""

from typing import Any

from contacts.dedupe import Identity

Place = tuple[str, str, str]  # street, postcode, city


def person(first: str, last: str, **more: Any) -> Identity:
    return _identity("person", first_name=first, last_name=last, **more)


def firm(name: str, **more: Any) -> Identity:
    return _identity("organisation", name=name, **more)


def _identity(kind: Any, mail: str = "", phone: str = "", **more: Any) -> Identity:
    return Identity(kind=kind, emails=tuple(mail.split()), phones=tuple(number for number in phone.split(";") if number), **more)


KOELN = {"street": "Aachener Straße 12", "postcode": "50674", "city": "Köln"}
KOELN_2 = {"street": "Aachener Str. 12", "postcode": "50674", "city": "Koeln"}
BONN = {"street": "Am Markt 1", "postcode": "53111", "city": "Bonn"}
ULM = {"street": "Hauptstr. 3a", "postcode": "89073", "city": "Ulm"}


def also(*places: dict[str, str]) -> tuple[Place, ...]:
    """Further postal addresses beside the main one: where goods or invoices go."""
    return tuple((place["street"], place["postcode"], place["city"]) for place in places)


PAIRS: list[tuple[Identity, Identity, bool]] = [
    # --- persons, the same -----------------------------------------------------------------------------------------------------------
    (person("Anna", "Müller", **KOELN), person("Anna", "Mueller", **KOELN_2), True),
    (person("Anna", "Müller", mail="anna.mueller@gmx.de"), person("Anna", "Muller", mail="Anna.Mueller@GMX.de"), True),
    (person("Jürgen", "Schmidt", **BONN), person("Juergen", "Schmitt", **BONN), True),
    (person("Hans", "Meier", **ULM), person("Hans", "Mayer", **{**ULM, "street": "Hauptstraße 3 a"}), True),
    (person("Hans-Peter", "Kurz", **KOELN), person("Hans Peter", "Kurz", **KOELN), True),
    (person("Eva", "Kurz", phone="0221/123456"), person("Eva", "Kurz", phone="+49 221 12 34 56"), True),
    (person("Kurz", "Eva", mail="eva@kurz.de"), person("Eva", "Kurz", mail="eva@kurz.de"), True),
    (person("Dr. Eva", "Kurz", **BONN), person("Eva", "Kurz", **BONN), True),
    (person("", "Dr. Kurz", mail="kurz@praxis-kurz.de"), person("Eva", "Kurz", mail="kurz@praxis-kurz.de"), True),
    (person("E.", "Kurz", mail="e.kurz@firma.de"), person("Eva", "Kurz", mail="e.kurz@firma.de"), True),
    (person("E.", "Kurz", phone="0171 1234567"), person("Eva", "Kurz", phone="01711234567"), True),
    (person("Michael", "Weiß", **KOELN), person("Micheal", "Weiss", **KOELN), True),
    (person("Christoph", "Vogt", **ULM), person("Christof", "Voigt", **ULM), True),
    (person("Søren", "Ødegård", mail="s@odegard.no"), person("Soeren", "Odegard", mail="s@odegard.no"), True),
    (person("Łukasz", "Kowalski", **BONN), person("Lukasz", "Kowalski", **BONN), True),
    (person("Maria", "Lang", mail="maria@lang.de"), person("Maria", "Lang-Schulz", mail="maria@lang.de"), True),
    (person("Maria", "Lang", mail="maria.lang@web.de"), person("Maria", "Schulz", mail="maria.lang@web.de"), True),
    (person("Thomas", "Becker", born="1970-05-05", city="Köln"), person("Thomas", "Becker", born="1970-05-05", city="Bonn"), True),
    (person("Katrin", "Voss", **KOELN), person("Kathrin", "Voß", **KOELN_2), True),
    (person("MICHAEL", "BAUER", **ULM), person("Michael", "Bauer", **ULM), True),
    (person("Prof. Dr. Ulf", "von Hagen", **BONN), person("Ulf", "von Hagen", **BONN), True),
    (person("Ulf", "v. Hagen", **BONN), person("Ulf", "von Hagen", **BONN), True),
    (person("Peter", "Klein", phone="0228 998877", city="Bonn"), person("Peter", "Klein", phone="0228 998877", postcode="53111"), True),
    (person("Ferdinand", "Zwiebelstein"), person("Ferdinand", "Zwiebelstein", city="Ulm"), True),
    (
        person("Anna", "Müller", organisation_name="Bau AG", mail="a.mueller@bau.de"),
        person("Anna", "Müller", mail="a.mueller@bau.de"),
        True,
    ),
    (person("Anna", "Müller", organisation_name="Stahlbau Nord GmbH"), person("Anna", "Mueller", organisation_name="Stahlbau Nord"), True),
    (person("François", "Lefèvre", phone="+33 1 42 68 53 00"), person("Francois", "Lefevre", phone="0033142685300"), True),
    (person("Hans", "Meier", **KOELN, further=also(ULM)), person("Hans", "Meier", **ULM), True),
    (person("Jan", "Meier", city="Köln", further=also(BONN, ULM)), person("Jan", "Meier", **ULM), True),
    # --- persons, not the same ---------------------------------------------------------------------------------------------------------
    (person("Thomas", "Müller", **KOELN), person("Thomas", "Müller", **BONN), False),
    (person("Thomas", "Müller", city="Köln"), person("Thomas", "Müller", city="Hamburg"), False),
    (person("Anna", "Schmidt", phone="0221 123456", **KOELN), person("Peter", "Schmidt", phone="0221 123456", **KOELN), False),
    (person("Anna", "Schmidt", mail="familie@schmidt.de"), person("Peter", "Schmidt", mail="familie@schmidt.de"), False),
    (person("Anna", "Müller", mail="info@bau.de"), person("Bernd", "Kraus", mail="info@bau.de"), False),
    (person("Anna", "Müller", mail="a.mueller@bau.de"), person("Bernd", "Kraus", mail="b.kraus@bau.de"), False),
    (person("Anna", "Müller", mail="a@gmx.de"), person("Anna", "Möller", mail="b@gmx.de"), False),
    (person("Karl", "Weber", **ULM), person("Karl", "Weber jun.", **ULM), False),
    (person("Karl", "Weber", born="1940-01-01", **ULM), person("Karl", "Weber", born="1970-02-02", **ULM), False),
    (person("Lena", "Wolf", born="2000-03-03", **KOELN), person("Lina", "Wolf", born="2000-03-03", **KOELN), False),
    (person("Anna", "Kurz", phone="0221 123456"), person("Bernd", "Lang", phone="0221 123456"), False),
    (person("Jan", "Meier", city="Köln"), person("Jan", "Mayer", city="Bonn"), False),
    (person("Jan", "Meier", **KOELN), person("Jana", "Meier", **KOELN), False),
    (person("Stefan", "Bauer", organisation_name="Stahlbau Nord GmbH"), person("Stefan", "Bauer", organisation_name="Bäckerei Süd"), False),
    (person("Stefan", "Bauer", mail="stefan@eins.de"), person("Stefan", "Bauer", mail="bauer@zwei.de"), False),
    (person("Petra", "Klein", **BONN), person("Petra", "Groß", **BONN), False),
    (person("Paul", "Richter", **BONN), person("Paula", "Richter", **BONN), False),
    (person("", "Müller"), person("", "Müller"), False),
    (person("Anna", ""), person("Anna", ""), False),
    (person("Christian", "Wagner", **KOELN), person("Christina", "Wagner", **KOELN), False),
    (person("Peter", "Schulz", city="Köln"), person("Peter", "Schulze", postcode="89073"), False),
    (person("Thomas", "Müller", **KOELN, further=also(ULM)), person("Thomas", "Müller", **BONN), False),
    (person("Anna", "Schmidt", **BONN, further=also(ULM)), person("Peter", "Schmidt", **KOELN, further=also(ULM)), False),
    # --- firms, the same ---------------------------------------------------------------------------------------------------------------
    (firm("Müller GmbH & Co. KG", **KOELN), firm("Mueller", **KOELN_2), True),
    (firm("Bau Union AG"), firm("BAU-UNION Aktiengesellschaft"), True),
    (firm("Acme Corporation"), firm("Acme Corp."), True),
    (firm("Ron-tech Ltd", city="London"), firm("Rontech Limited", city="London"), True),
    (firm("Goodsilron Inc."), firm("Goodsliron"), True),
    (firm("Stahlbau Nord GmbH", website="https://www.stahlbau-nord.de/kontakt"), firm("Stahlbau-Nord", website="stahlbau-nord.de"), True),
    (firm("Stahlbau Nord GmbH", mail="info@stahlbau-nord.de"), firm("SBN Stahlbau Nord", website="www.stahlbau-nord.de"), True),
    (firm("Schmidt & Söhne KG", phone="0731 55555"), firm("Schmidt und Soehne", phone="+49731 55555"), True),
    (firm("Bäckerei Huber e.K.", **ULM), firm("Baeckerei Huber", **ULM), True),
    (firm("Philipp Reis UG (haftungsbeschränkt)"), firm("Philipp Reis UG"), True),
    (firm("Zentrum für Licht e.V."), firm("Zentrum fuer Licht"), True),
    (firm("Dontechi"), firm("dontechi S.A."), True),
    (
        firm("Kaufmann Spedition GmbH", mail="dispo@kaufmann-spedition.de"),
        firm("Spedition Kaufmann", mail="dispo@kaufmann-spedition.de"),
        True,
    ),
    (firm("Weiß Metallbau GmbH", **BONN), firm("Weiss Metalbau", **BONN), True),
    (firm("Tischlerei Özdemir", phone="0228 4711000"), firm("Schreinerei Özdemir", phone="0228 4711000", city="Bonn"), True),
    (firm("Hotel Krone", **BONN), firm("Hotel Krone Inh. P. Klein", **BONN), True),
    (firm("Muster Logistik GmbH", **KOELN, further=also(BONN)), firm("Muster Logistik", **BONN), True),
    (firm("Nordkran Montage", **KOELN, further=also(BONN)), firm("Nordkran Montagen GmbH", **ULM, further=also(BONN)), True),
    # --- firms, not the same -----------------------------------------------------------------------------------------------------------
    (firm("Sparkasse Köln", city="Köln"), firm("Sparkasse Bonn", city="Bonn"), False),
    (firm("Hotel Krone", city="Köln"), firm("Hotel Krone", city="Ulm"), False),
    (firm("Meier Bau GmbH", **ULM), firm("Meier Dach GmbH", **BONN), False),
    (firm("Alpha GmbH", **KOELN), firm("Beta GmbH", **KOELN), False),
    (firm("Alpha GmbH", mail="alpha@gmx.de"), firm("Beta GmbH", mail="beta@gmx.de"), False),
    (firm("Bau 24 GmbH"), firm("Bau 42 GmbH"), False),
    (firm("GmbH"), firm("AG"), False),
    (firm("Meier GmbH", city="Köln"), firm("Mayer AG", city="Hamburg"), False),
    (firm("Hotel Krone", **KOELN, further=also(BONN)), firm("Hotel Krone", **ULM), False),
    (firm("Alpha GmbH", **KOELN, further=also(BONN)), firm("Beta GmbH", **ULM, further=also(BONN)), False),
    (firm("Stadt Ulm"), firm("Stadt Uelzen"), False),
    (firm("Cancity"), firm("Zencity"), False),
    (firm("Konex"), firm("Konmatfix"), False),
    (firm("Volksbank Rhein-Ruhr", phone="0203 1"), firm("Volksbank Rhein-Erft", phone="0223 1"), False),
    (firm("Praxis Dr. Klein", **BONN), firm("Praxis Dr. Groß", **BONN), False),
    (firm("Steuerbüro Lang", phone="0221 123456", **KOELN), firm("Anwaltskanzlei Kurz", phone="0221 123456", **KOELN), False),
    # --- across kinds ------------------------------------------------------------------------------------------------------------------
    (person("Anna", "Müller", mail="anna@mueller-design.de"), firm("Müller Design", mail="anna@mueller-design.de"), False),
    (person("Paul", "Hartmann", **KOELN), firm("Paul Hartmann AG", **KOELN), False),
]
