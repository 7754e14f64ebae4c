"""A file of very many organisations with the doubles of real ones, and what must become of it: counted while it is written, by nothing of the product.

One row in twenty names an organisation that is here already, in another spelling and with other facts; one in thirty an earlier row of the file.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, field
from pathlib import Path

KNOWN_EVERY, DOUBLE_EVERY = 20, 30
HEADER = ["Firma", "Branche", "Mitarbeiter", "Land", "Ort"]
_FOUNDERS = ["Ahrens", "Böttcher", "Çelik", "Dörr", "Ebert", "Förster", "Groß", "Hübner", "Ihde", "Jäger", "Kröger", "Łukasik", "Möller", "Nørgaard", "Öztürk", "Pfaff", "Quast", "Rößler", "Strüver", "Thoß"]
_TRADES = ["Maschinenbau", "Logistik", "Gießerei", "Getränke", "Küchen", "Brauerei", "Sägewerk", "Spedition", "Glashütte", "Möbelwerke"]
_TOWNS = ["Aachen", "Bötzow", "Celle", "Düren", "Eutin", "Fürth", "Görlitz", "Hürth", "Jülich", "Köln"]
_SECTORS = ["Technologie", "Handel", "Software"]


@dataclass
class Expected:
    """Rows by what must become of them."""

    rows: int = 0
    created: int = 0
    changed: int = 0
    refused: int = 0
    names: set[str] = field(default_factory=set)  # of those that must be created


def stock_name(number: int) -> str:
    return f"Bestand {_FOUNDERS[number % 20]} {number} AG"


def write_crowd(path: Path, rows: int, stock: int, seed: int = 11) -> Expected:
    """Write `rows` organisations beside `stock` ones that are here by their `stock_name`."""
    dice, expected = random.Random(seed), Expected(rows=rows)
    met: set[int] = set()
    fresh: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADER)
        for number in range(rows):
            if number % DOUBLE_EVERY == DOUBLE_EVERY - 1 and fresh:
                name = f" {dice.choice(fresh).upper()}"
                expected.refused += 1
            elif number % KNOWN_EVERY == 0 and len(met) < stock:
                known = len(met)
                met.add(known)
                name = stock_name(known).lower().replace(" ", "  ")
                expected.changed += 1
            else:
                name = f"{_FOUNDERS[number % 17]} {_TRADES[number % 7]} {number} GmbH"
                if len(fresh) < 5_000:
                    fresh.append(name)
                expected.names.add(name)
                expected.created += 1
            writer.writerow([name, _SECTORS[number % 3], 10 + number % 900, "Deutschland", _TOWNS[number % 10]])
    return expected
