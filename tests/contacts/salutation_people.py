"""People whose gender nobody told, made up by the thousand: whatever their names suggest, no letter may say Herr or Frau to them.

Their first names are mostly unmistakable (Peter, Petra), so that an engine which guesses is caught at once.
"""

import random
import re
from collections.abc import Iterator

FIRST = (  # noqa: SIM905 - one a line would fill the page
    "Peter Petra Hans Anna Karl Sabine Jürgen Monika Thomas Claudia Stefan Birgit Wolfgang Ursula Mehmet Ayşe Emre Elif Jan Kim Robin Andrea Sascha Nikola Jean "
    "Toni Luca Marie Léa Giovanni María José Óscar Björn Søren Łukasz Agnieszka İbrahim Gülşen Thị Văn Wei Min-jun Yuki Olga Dmitri Алексей Мария محمد فاطمة דוד 太郎 "
    "Anna-Lena Hans-Peter A. J.R. Frauke Hermann 🌻Anna O’Neil"
).split()
LAST = [
    "Müller", "Weber", "Nguyễn", "Herrmann", "Frauenhofer", "Graf", "Prinz", "von Bülow", "van der Berg", "de la Hoya", "al-Sayed", "O'Connor", "McGregor",
    "García Márquez", "Müller-Lüdenscheidt", "Yılmaz", "Çelik", "Kowalska", "Иванова", "العلي", "לוי", "山田", "LANG", "kurz", "Silva e Souza", "D’Arcy", "zum Felde",
    "Herrlich", "Frauendorf", "Mrozek", "Msimang", "Sirtl",
]  # fmt: skip
TITLES = ["", "", "", "", "Dr.", "Prof. Dr.", "Prof.", "Dipl.-Ing.", "Dr. h. c.", "Dr. med.", "PD Dr.", "Professorin", "Mag.", "Rechtsanwältin"]
RANKS = ["", "", "", "", "", "", "Graf", "Gräfin", "Freiherr", "Freifrau", "Prinz", "Baronin", "von", "Edle"]
SUFFIXES = ["", "", "", "MBA", "B. A.", "jun.", "sen."]
BLANKS = ["", "", "", " ", "  ", "\t", "\u00a0"]

# Words that say what nobody told us. As whole words only: Herrmann, Frauendorf and Freifrau are names.
HERR_OR_FRAU = re.compile(r"\b(Herrn?|Frau|Fräulein|Mr|Mrs|Ms|Miss|Sir|Madam)\b")
GENDERED = re.compile(r"\b(Lieber?|[Gg]eehrter?|Professorin|Doktorin)\b")  # in the salutation; on the address line titles stand as typed


def people(count: int, seed: int = 5008) -> Iterator[dict[str, str]]:
    """`count` people: the six fields, with salutation "" or, for every fifth, neutral; the same ones every time."""
    dice = random.Random(seed)
    for number in range(count):
        first = " ".join(dice.sample(FIRST, dice.choice([1, 1, 1, 2]))) if dice.random() < 0.9 else ""
        yield {
            "salutation": "neutral" if number % 5 == 0 else "",
            "title": dice.choice(TITLES),
            "first_name": dice.choice(BLANKS) + first + dice.choice(BLANKS),
            "nobility": dice.choice(RANKS),
            "last_name": dice.choice(LAST) if first == "" or dice.random() < 0.9 else "",
            "suffix": dice.choice(SUFFIXES),
        }
