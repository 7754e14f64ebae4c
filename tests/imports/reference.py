"""What an export says, counted by hand from its files: the measure the import is held against. Reads nothing of the product."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def figures_of(folder: Path) -> dict[str, Any]:
    """Counts and sums of the four files. `open_at_list` is (without, with) the products whose names differ only by blanks."""
    opportunities = read(folder, "sales_pipeline.csv")
    prices = {row["product"]: int(row["sales_price"]) for row in read(folder, "products.csv")}
    nearly = {name.replace(" ", ""): price for name, price in prices.items()}
    region = {row["sales_agent"]: row["regional_office"] for row in read(folder, "sales_teams.csv")}
    states = Counter(row["deal_stage"] for row in opportunities)
    quarters: dict[tuple[int, int], int] = defaultdict(int)
    regions: dict[str, int] = defaultdict(int)
    for row in opportunities:
        if row["deal_stage"] == "Won":
            year, month, _day = map(int, row["close_date"].split("-"))
            quarters[year, (month + 2) // 3] += int(row["close_value"])
            regions[region[row["sales_agent"]]] += int(row["close_value"])
    still_open = [row for row in opportunities if row["deal_stage"] in {"Engaging", "Prospecting"}]
    return {
        "opportunities": len(opportunities),
        "won": states["Won"],
        "lost": states["Lost"],
        "engaging": states["Engaging"],
        "prospecting": states["Prospecting"],
        "won worth": sum(int(row["close_value"]) for row in opportunities if row["deal_stage"] == "Won"),
        "win rate": round(100 * states["Won"] / (states["Won"] + states["Lost"]), 2),
        "quarters": dict(quarters),
        "regions": dict(regions),
        "open at list": (
            sum(prices.get(row["product"], 0) for row in still_open),
            sum(prices.get(row["product"], nearly.get(row["product"], 0)) for row in still_open),
        ),
        "without account": sum(not row["account"] for row in opportunities),
        "organisations": len(read(folder, "accounts.csv")),
        "products": len(prices),
        "agents": len(region),
        "managers": len({row["manager"] for row in read(folder, "sales_teams.csv")}),
        "rows": len(opportunities) + len(read(folder, "accounts.csv")) + len(prices) + len(region),
    }


# What several independent public analyses found in the real files.
REAL: dict[str, Any] = {
    "opportunities": 8_800,
    "won": 4_238,
    "lost": 2_473,
    "engaging": 1_589,
    "prospecting": 500,
    "won worth": 10_005_534,
    "win rate": 63.15,
    "quarters": {(2017, 1): 1_134_672, (2017, 2): 3_086_111, (2017, 3): 2_982_255, (2017, 4): 2_802_496},
    "regions": {"West": 3_568_647, "Central": 3_346_293, "East": 3_090_594},
    "open at list": (3_360_822, 4_966_215),
    "without account": 1_425,
}
