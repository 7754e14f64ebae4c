"""Are these two the same party? Pure scoring while one is being created: it warns with reasons, it never decides.

Evidence is added up as in record linkage (Fellegi & Sunter 1969): each agreement adds points, each contradiction takes some, a logistic
curve makes a score of 0 to 1 of the sum. Frequent family names say less than rare ones (Winkler 1989). The points were set by hand against
`tests/contacts/dedupe_pairs.py`, which prints precision and recall.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, permutations
from typing import Literal

from crm.core.fold import fold, likeness
from crm.core.phone import phone_key

WARN = 0.5  # from here on the form shows the other party
_NEEDED = 5.0  # points that make 0.5: a rare name and nothing against it, or a frequent one and an address


@dataclass(frozen=True)
class Identity:
    """What is known of a party, as typed; '' = not known. A person has first and last name, an organisation `name`; `born` is ISO.

    `further` are postal addresses beside the main one: (street, postcode, city).
    """

    kind: Literal["person", "organisation"]
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    organisation_name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    postcode: str = ""
    street: str = ""
    city: str = ""
    further: tuple[tuple[str, str, str], ...] = ()
    website: str = ""
    born: str = ""

    @property
    def places(self) -> tuple[tuple[str, str, str], ...]:
        """All postal addresses, the main one first."""
        return ((self.street, self.postcode, self.city), *self.further)


@dataclass(frozen=True)
class Match:
    """`reasons` in order of the card: same_name, similar_name, same_email, same_phone, same_address, same_city, same_domain,
    same_organisation, same_birth_date."""

    score: float
    reasons: tuple[str, ...] = ()


# --- names ----------------------------------------------------------------------------------------------------------------------------


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LEGAL_ANYWHERE = _set("gmbh mbh gesmbh ggmbh kgaa aktiengesellschaft haftungsbeschrankt kommanditgesellschaft partgmbb")
_LEGAL_AT_END = _set(
    "ag kg co ohg gbr ug se ek ekfr ev eg inc incorporated ltd limited llc llp lp plc corp corporation sa sas sarl srl spa bv nv "
    "oy ab as aps sro doo kft partg stiftung"
)
_LEGAL_AT_START = _set("kg fa firma")
_JOINING = _set("und and et u")
_GENERIC = _set(
    "bau dach hotel gasthof restaurant praxis kanzlei dr prof stadt gemeinde sparkasse volksbank bank backerei metzgerei "
    "tischlerei schreinerei malerbetrieb autohaus apotheke verlag gruppe group holding handel service services team the die der "
    "das fur"
)
_TITLES = _set("dr prof med rer nat phil jur h c dipl ing mag msc bsc mba ba ma herr frau herrn")
_GENERATION = {"jun": "jun", "jr": "jun", "junior": "jun", "sen": "sen", "sr": "sen", "senior": "sen"}
_FREQUENT = _set(
    "muller schmidt schneider fischer weber meyer meier maier mayer wagner becker schulz schulze hoffmann schafer koch bauer "
    "richter klein wolf schroder neumann schwarz zimmermann braun kruger hofmann hartmann lange schmitt werner schmitz krause "
    "lehmann schmid kohler herrmann konig walter huber kaiser fuchs peters lang scholz moller weiss jung hahn schubert vogel "
    "friedrich keller gunther frank berger winkler roth beck lorenz baumann franke albrecht schuster simon ludwig bohm winter "
    "kraus martin schumacher kramer vogt stein jager otto sommer gross seidel heinrich brandt haas schreiber graf dietrich ziegler "
    "kuhn kuhne pohl engel horn busch bergmann thomas voigt sauer arnold wolff pfeiffer smith jones brown johnson williams miller "
    "davis wilson yilmaz kaya demir celik nguyen nowak kowalski"
)
_INITIALS = re.compile(r"\b(?:\w\.\s?){2,}")  # e.V., S.A.
_OWNER = re.compile(r"\b(?:inh|inhaber|inhaberin)\b.*")
_NOT_WORD = re.compile(r"[\W_]+")
_LONGEST = 100  # characters of a name that are compared; likeness takes time by the square


@lru_cache(1_000)  # one firm is compared with many; each process of the page keeps them as well
def core_name(name: str) -> str:
    """The folded name of an organisation without legal form, joining words and owner; the folded name itself if nothing else is left."""
    plain = _INITIALS.sub(lambda found: re.sub(r"[.\s]", "", found[0]) + " ", fold(name))
    words = _NOT_WORD.sub(" ", plain).split()
    core = _OWNER.sub("", " ".join(words)).split() or words
    core = [word for word in core if word not in _LEGAL_ANYWHERE and word not in _JOINING]
    while core and core[-1] in _LEGAL_AT_END:
        core.pop()
    if len(core) > 1 and core[0] in _LEGAL_AT_START:
        core.pop(0)
    return " ".join(core or words)


# Postel 1969. Letters whose code does not depend on their neighbours; h has none.
_CODES = str.maketrans("aeijouybfvwgkqlmnrsz", "00000001333444566788", "h")
_NEIGHBOURLY = re.compile("[pdtxc]")


@lru_cache(1_000)  # names repeat
def cologne(text: str) -> str:
    """The Kölner Phonetik of a word: names that sound alike in German have the same code."""
    word = fold(text)
    if not (word.isascii() and word.isalpha()):
        word = re.sub(r"[^a-z]", "", word)
    codes = _NEIGHBOURLY.sub(lambda found: _code(word, found.start()), word).translate(_CODES)
    joined = "".join([code for code, _run in groupby(codes)])
    return joined[:1] + joined[1:].replace("0", "")


def _code(word: str, place: int) -> str:
    letter, before, after = word[place], word[place - 1 : place], word[place + 1 : place + 2]
    if letter == "p":
        return "3" if after == "h" else "1"
    if letter in "dt":
        return "8" if after and after in "csz" else "2"
    if letter == "x":
        return "8" if before and before in "ckq" else "48"
    hard = "ahkloqrux" if not place else "ahkoqux"  # c
    return "4" if after and after in hard and not (before and before in "sz") else "8"


@lru_cache(1_000)
def street_key(street: str) -> str:
    """Street and house number in one spelling: "hauptstr 3a", "konigspl 5-7"."""
    key = re.sub(r"stra(?:ss)e|str\b\.?|strasse", "str ", fold(street))
    key = re.sub(r"platz|pl\.", "pl ", key)
    key = re.sub(r"\s*-\s*(?=\d)", "-", re.sub(r"[^\w\s/-]", " ", key))
    key = re.sub(r"(?<=[a-z])(?=\d)", " ", key)
    return " ".join(re.sub(r"(\d)\s+([a-z])\b", r"\1\2", key).split())


@dataclass(frozen=True)
class _Person:
    given: str
    family: str
    generation: str


def _person(identity: Identity) -> _Person:
    return _person_of(identity.first_name, identity.last_name or identity.name)


@lru_cache(1_000)
def _person_of(*texts: str) -> _Person:
    """The compact, folded name without titles; "v." is "von"."""
    parts, generation = [], ""
    for text in texts:
        words = _NOT_WORD.sub(" ", fold(text)).split()
        generation = next((_GENERATION[word] for word in words if word in _GENERATION), generation)
        # A single word is the name itself, whatever it looks like: there are people called Ing.
        kept = [word for word in words if word not in _TITLES and word not in _GENERATION] or words[-1:]
        parts.append("".join("von" if word == "v" and len(kept) > 1 else word for word in kept)[:_LONGEST])
    return _Person(parts[0], parts[1], generation)


def _sounds_alike(a: str, b: str) -> bool:
    """Another spelling of one first name. Jan and Jana, Lena and Lina are two names, though they sound the same."""
    if a.endswith("a") != b.endswith("a"):
        return False
    if len(a) >= 5 and likeness(a, b) >= 0.8:
        return True
    return cologne(a) == cologne(b) and re.sub(r"[^aeiouy]", "", a) == re.sub(r"[^aeiouy]", "", b)


def _person_name(one: _Person, other: _Person) -> tuple[float, str]:
    if one.family and other.family and one.generation != other.generation:
        return -6.0, ""
    if one.given and one.family and (one.given, one.family) == (other.family, other.given):
        return _same(one.family), "same_name"
    alike = _family_alike(one.family, other.family)
    if not one.given or not other.given:
        if not alike:
            return (-3.0, "") if one.family and other.family else (0.0, "")
        return 1.5, "similar_name"
    if one.given == other.given:
        if one.family and one.family == other.family:
            return _same(one.family), "same_name"
        return (2.5 if alike else 0.5), "similar_name" if alike else ""
    if min(len(one.given), len(other.given)) == 1 and one.given[0] == other.given[0]:
        return (2.0, "similar_name") if alike else (-3.0, "")
    if _sounds_alike(one.given, other.given) and alike:
        return 2.5, "similar_name"
    return -6.0, ""


def _same(family: str) -> float:
    return 3.0 if family in _FREQUENT else 5.0


def _family_alike(a: str, b: str) -> bool:
    if not a or not b:
        return False
    if a == b or _near_likeness(a, b) >= 0.8 or (len(code := cologne(a)) > 1 and code == cologne(b)):
        return True
    return min(len(a), len(b)) >= 4 and (a.startswith(b) or b.startswith(a) or a.endswith(b) or b.endswith(a))  # Lang, Lang-Schulz


def _near_likeness(a: str, b: str) -> float:
    """Likeness where it may reach 0.8, else 0: of two texts whose lengths differ by more, each letter need not be looked at."""
    return likeness(a, b) if 5 * abs(len(a) - len(b)) <= max(len(a), len(b)) else 0.0


def _firm_name(a: str, b: str) -> tuple[float, str]:
    one, other = core_name(a).split(), core_name(b).split()
    if not one or not other:
        return 0.0, ""
    left, right = "".join(one)[:_LONGEST], "".join(other)[:_LONGEST]
    if left == right:
        return 5.0, "same_name"
    if re.sub(r"\D", "", left) != re.sub(r"\D", "", right):  # Bau 24, Bau 42
        return -4.0, ""
    near = _near_likeness(left, right)
    if sorted(one) == sorted(other) or (near >= 0.9 and len(left) >= 8):
        return 5.0, "similar_name"
    if near >= 0.8:
        return 3.0, "similar_name"
    own, others = set(one) - _GENERIC, set(other) - _GENERIC
    if own and others and (own <= others or others <= own):
        return 2.0 + 0.5 * (len(own & others) > 1), "similar_name"
    return -4.0, ""


# --- addresses ------------------------------------------------------------------------------------------------------------------------

_SHARED = _set("info kontakt contact office mail post buero buro verwaltung zentrale familie family hello hallo service sales vertrieb")
_FREE = re.compile(
    r"(?:gmx|web|t-online|gmail|googlemail|outlook|hotmail|live|msn|yahoo|ymail|icloud|me|mac|aol|freenet|arcor|posteo|mailbox|proton|protonmail|pm|"
    r"online|vodafone|1und1|kabelmail|email)\.[a-z.]{2,6}"
)


def _emails(identity: Identity) -> set[str]:
    return {mail for text in identity.emails if re.fullmatch(r"[^@\s]+@[^@\s]+", mail := text.strip().casefold())}


def _phones(identity: Identity) -> set[str]:
    return {key for text in identity.phones if (key := phone_key(text))}


def _domains(identity: Identity) -> set[str]:
    """The organisation's own domains: of its website and its addresses, without those anyone can have."""
    if not identity.website and not identity.emails:
        return set()
    site = re.sub(r"^(?:https?://)?(?:www\.)?|[/:?#].*$", "", identity.website.strip().casefold())
    found = {mail.rpartition("@")[2] for mail in _emails(identity)} | {re.sub(r"[/:?#].*$", "", site)}
    return {domain for domain in found if "." in domain.strip(".") and not _FREE.fullmatch(domain)}


def _addresses(identity: Identity) -> set[str]:
    found = set()
    for text, code, _city in identity.places:
        if not text or not code:
            continue
        street, postcode = street_key(text).replace(" ", ""), re.sub(r"\W", "", code).casefold()
        if street and postcode:
            found.add(f"{postcode}:{street}")
    return found


def _place(one: Identity, other: Identity) -> tuple[float, str]:
    if _addresses(one) & _addresses(other):
        return 3.0, "same_address"
    near = {_near(a, b) for a in one.places for b in other.places}
    if True in near:
        return 0.7, "same_city"
    return (-2.5, "") if False in near else (0.0, "")


def _near(a: tuple[str, str, str], b: tuple[str, str, str]) -> bool | None:
    """Is it one town, by postcode or else by name? None where that is not known."""
    for one, other in zip(a[1:], b[1:], strict=True):
        if one.strip() and other.strip():
            return _NOT_WORD.sub("", fold(one)) == _NOT_WORD.sub("", fold(other))
    return None


def score(a: Identity, b: Identity) -> Match:
    """How likely both are one party, with the reasons for it; 0 for a person and an organisation."""
    if a.kind != b.kind:
        return Match(0.0)
    evidence = [_person_name(_person(a), _person(b)) if a.kind == "person" else _firm_name(a.name, b.name)]
    evidence += [_reach(a, b), (3.0, "same_phone") if _phones(a) & _phones(b) else (0.0, ""), _place(a, b)]
    if _domains(a) & _domains(b):
        evidence.append((0.5 if a.kind == "person" else 3.0, "same_domain"))
    if a.kind == "person":
        if a.organisation_name.strip() and b.organisation_name.strip():
            points, _reason = _firm_name(a.organisation_name, b.organisation_name)
            evidence.append((3.0, "same_organisation") if points > 0 else (-3.0, ""))
        if a.born and b.born:
            evidence.append((4.0, "same_birth_date") if a.born == b.born else (-8.0, ""))
    reasons = tuple(reason for _points, reason in evidence if reason)
    total = sum(points for points, _reason in evidence)
    return Match(round(1 / (1 + math.exp(_NEEDED - total)), 4), reasons) if reasons else Match(0.0)


def _reach(a: Identity, b: Identity) -> tuple[float, str]:
    mails, others = _emails(a), _emails(b)
    if common := mails & others:
        own = any(mail.partition("@")[0] not in _SHARED for mail in common)
        return (5.0 if own else 1.5), "same_email"
    return (-1.0, "") if mails and others and a.kind == "person" else (0.0, "")


def block_keys(identity: Identity) -> set[str]:
    """Keys to be stored with a party: two parties need to be scored only if they share one. At most 80 characters each."""
    keys = {f"mail:{mail}" for mail in _emails(identity)} | {f"phone:{phone}" for phone in _phones(identity)}
    keys |= {f"address:{address}" for address in _addresses(identity)}
    if identity.kind == "person":
        name = _person(identity)
        keys |= {
            f"person:{code}:{given[0]}" for given, family in permutations((name.given, name.family)) if given and (code := cologne(family))
        }
    else:
        keys |= {f"domain:{domain}" for domain in _domains(identity)}
        core = core_name(identity.name).split()
        keys |= {f"letters:{''.join(sorted(''.join(core)))}"} if core else set()  # swapped letters change the sound
        keys |= {f"firm:{code}" for code in _codes(["".join(core), *(word for word in core if word not in _GENERIC)])}
    return {key[:80] for key in keys}


def _codes(words: Iterable[str]) -> set[str]:
    return {code for word in words if len(code := cologne(word)) > 1}
