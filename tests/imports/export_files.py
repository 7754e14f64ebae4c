"""Makes the files of an export with the defects of real ones, under names of our own. The same seed gives the same files.

Defects: a product spelled differently in opportunities and price list, typing errors in industry and country, open opportunities
without account, prospects without a first day, an agent without opportunities, lost ones of value 0, owners that are only names.
"""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from pathlib import Path

REGIONS = {"Küste": ["Hanna Krogmann", "Uwe Tiede"], "Alpen": ["Rosa Lechner", "Paul Egger"]}
AGENTS = ["Anke Harms", "Bodo Lüders", "Carla Witt", "Dörte Boie", "Enno Jansen", "Fenja Rix", "Gerda Huber", "Hannes Ott", "Irmi Kolb", "Jakob Zoller", "Kathi Baier", "Leo Stumpf"]
IDLE = "Mia Ohneland"
PRODUCTS = [("Kran Basis", "Kran", 550), ("Kran Pro", "Kran", 4821), ("Winde Spezial", "Winde", 55), ("Winde Plus", "Winde", 3393), ("Portal 500", "Portal", 26768)]
MISSPELT = {"Kran Pro": "KranPro"}
ORGANISATIONS = [
    ("Ahrens Werft", "technolgy", "Germany", ""), ("Bergbahn Tal", "medical", "Philipines", ""), ("Cordes Handel", "retail", "United States", "Ahrens Werft"),
    ("Dampf & Druck", "software", "Korea", ""), ("Eiswerk Süd", "services", "Kenya", ""), ("Föhn Energie", "technolgy", "Norway", "Eiswerk Süd"),
    ("Gletscher Film", "entertainment", "Italy", ""), ("Hafenlogistik Ost", "finance", "Poland", ""), ("Isar Möbel", "retail", "Japan", "Ahrens Werft"),
    ("Joppe Marketing", "marketing", "China", ""),
]  # fmt: skip
FILES = ("accounts.csv", "products.csv", "sales_teams.csv", "sales_pipeline.csv")


def write_export(folder: Path, *, opportunities: int = 240, seed: int = 7, dialect: tuple[str, str] = ("utf-8", ",")) -> list[Path]:
    """Write the four files into `folder`; `dialect` is (encoding, delimiter). Returns their paths in the order of FILES."""
    chance = random.Random(seed)
    teams = _teams()
    tables = {
        "accounts.csv": [("account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of")]
        + [(name, sector, 1950 + i, f"{100 + i * 37.5:.2f}", 40 * (i + 1), country, parent) for i, (name, sector, country, parent) in enumerate(ORGANISATIONS)],
        "products.csv": [("product", "series", "sales_price"), *PRODUCTS],
        "sales_teams.csv": [("sales_agent", "manager", "regional_office"), *teams],
        "sales_pipeline.csv": [("opportunity_id", "sales_agent", "product", "account", "deal_stage", "engage_date", "close_date", "close_value")]
        + [_opportunity(number, chance) for number in range(opportunities)],
    }
    encoding, delimiter = dialect
    for name, rows in tables.items():
        with (folder / name).open("w", encoding=encoding, newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
    return [folder / name for name in FILES]


def _teams() -> list[tuple[str, str, str]]:
    places = [(manager, region) for region, managers in REGIONS.items() for manager in managers]
    return [(agent, *places[i * len(places) // len(AGENTS)]) for i, agent in enumerate(AGENTS)] + [(IDLE, *places[0])]


def _opportunity(number: int, chance: random.Random) -> tuple[object, ...]:
    agent = chance.choice(AGENTS)
    product, _series, price = chance.choice(PRODUCTS)
    account = chance.choice(ORGANISATIONS)[0]
    state = chance.choices(["Won", "Lost", "Engaging", "Prospecting"], [48, 28, 18, 6])[0]
    begun = date(2016, 10, 20) + timedelta(days=chance.randrange(430))
    ended = begun + timedelta(days=chance.randrange(138))
    value: object = {"Won": max(1, round(price * chance.uniform(0.7, 1.3))), "Lost": 0}.get(state, "")
    if state in {"Engaging", "Prospecting"} and chance.random() < 0.7:
        account = ""
    return (
        f"T{number:05d}", agent, MISSPELT.get(product, product), account, state,
        "" if state == "Prospecting" else begun.isoformat(), ended.isoformat() if state in {"Won", "Lost"} else "", value,
    )  # fmt: skip
