"""What a contact is found by: the row beside the party (`PartySearch`) and the query over it (D18).

Every word of the name, the number, the addresses and the telephones is folded (umlauts and marks do not matter). A typed word finds
what begins with it; from three letters on also what contains it. All typed words must fit. One way builds the row, for one contact
and for a million alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import Case, Func, IntegerField, Q, QuerySet, When

from contacts.dedupe import block_keys
from contacts.hints import open_keys
from contacts.identities import identities
from contacts.models import PartySearch
from crm.core.access import array_of
from crm.core.fold import Grams, fold, grams, inner_grams, sort_key

MOST_WORDS = 8  # of a query; more say nothing new
FEW = 500  # hits that are kept as keys
LITTLE = 10_000  # contacts of a reader who is asked for them first
LOOKED_AT = 1_000  # contacts among which the palette finds the best
LONGEST = 120  # letters of a word that is found
CHUNK = 2_000  # contacts whose duplicate keys are computed at once
_NO_WORD = re.compile(r"[\W_]+")
_TELEPHONE = re.compile(r"\+?[\d\s()/.\-–]{4,}")

# What a contact is found by as it stands: names and number, e-mail addresses, the digits of telephone numbers, towns.
_TEXTS = r"""
SELECT p.id, concat_ws(' ', p.first_name, p.nobility, p.last_name, p.legal_name, p.number), coalesce(mail.text, ''), coalesce(phone.text, ''), coalesce(place.text, '')
FROM unnest(%s::bigint[]) AS fresh (id)
JOIN contacts_party p ON p.id = fresh.id
LEFT JOIN LATERAL (SELECT string_agg(address, ' ') AS text FROM contacts_emailaddress WHERE party_id = p.id) mail ON true
LEFT JOIN LATERAL (
    SELECT string_agg(regexp_replace(CASE WHEN key <> '' THEN key ELSE number END, '\D', '', 'g'), ' ') AS text
    FROM contacts_phonenumber WHERE party_id = p.id
) phone ON true
LEFT JOIN LATERAL (SELECT string_agg(postcode || ' ' || city, ' ') AS text FROM contacts_postaladdress WHERE party_id = p.id) place ON true
"""

# Lexemes are made without Postgres' text parser, which would read "K-10482" as a negative number and an address as a host name.
_INDEX = """
INSERT INTO contacts_partysearch (party_id, words, tsv, grams, keys, hints)
SELECT id, words, array_to_tsvector(string_to_array(words, ' ')), string_to_array(grams, chr(10)), string_to_array(keys, chr(10)), string_to_array(hints, chr(10))
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[]) AS fresh (id, words, grams, keys, hints)
ON CONFLICT (party_id) DO UPDATE SET words = excluded.words, tsv = excluded.tsv, grams = excluded.grams, keys = excluded.keys,
    hints = excluded.hints
"""


def index_parties(ids: Iterable[int] | None = None) -> int:
    """Write the search rows of these contacts, or of all. Runs in the caller's transaction; returns how many were written."""
    chosen = None if ids is None else sorted(set(ids))
    if chosen == []:
        return 0
    count = 0
    with connection.cursor() as cursor:
        for batch in identities(chosen, CHUNK):
            cursor.execute(_TEXTS, [list(batch)])
            words = {pk: _indexed(*texts) for pk, *texts in cursor.fetchall()}
            odd = open_keys(batch)
            keys = ["\n".join(sorted(key.replace("\n", " ") for key in block_keys(batch[pk]))) for pk in words]
            lists = [list(words), list(words.values()), ["\n".join(grams(text)) for text in words.values()], keys, ["\n".join(odd.get(pk, ())) for pk in words]]
            cursor.execute(_INDEX, lists)
            count += cursor.rowcount
    return count


def _indexed(name: str, mails: str, digits: str, places: str) -> str:
    """The folded words of a contact; its e-mail addresses whole, too."""
    folded, mails = fold(f"{name} {places}"), fold(mails)
    found = {*_NO_WORD.split(folded), *_NO_WORD.split(mails), *mails.split(), *digits.split()}
    return " ".join(sorted(word for word in found if 0 < len(word) <= LONGEST))


class _Lexemes(SearchQuery):
    """A ready tsquery such as `'mull':*`, without the parser."""

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        return Func.as_sql(self, compiler, connection, template="%(expressions)s::tsquery")


def words_of(text: str) -> list[str]:
    """What is typed as folded words, the longest first: they narrow most."""
    words = {word[: LONGEST + 1] for word in _NO_WORD.split(fold(text.strip())) if word}  # longer ones find nothing, and Postgres takes none beyond 2 kB
    return sorted(words, key=lambda word: (-len(word), word))[:MOST_WORDS]


def condition(text: str, *, inner: bool = True, prefix: str = "search__") -> Q:
    """The condition on `Party` for what is typed; an empty text fits everything.

    `inner` also finds words that contain what is typed. `prefix` is the way to the search row.
    """
    words = words_of(text)
    if text.strip() and not words:
        return Q(pk__in=[])
    whole = Q()
    for word in words:
        whole &= _word(word, inner, prefix)
    digits = telephone(text)
    return whole | _word(digits, True, prefix) if digits else whole


def telephone(text: str) -> str:
    """The digits of what looks like (the end of) a telephone number, without the leading zeros of a trunk or country prefix; else ''."""
    if not _TELEPHONE.fullmatch(text.strip()):
        return ""
    digits = re.sub(r"\D", "", text).lstrip("0")
    return digits if 3 <= len(digits) <= 20 else ""


def _word(word: str, inner: bool, prefix: str) -> Q:
    begins = Q(**{f"{prefix}tsv": _Lexemes(f"'{word}':*")})
    if not inner or len(word) < 3:
        return begins
    return begins | Q(**{f"{prefix}grams__contains": inner_grams(word), f"{prefix}words__contains": word})


def few_hits(text: str) -> list[int] | None:
    """The keys of all contacts that fit what is typed, whoever may see them; None where there are more than FEW.

    With the keys at hand any list of them is a handful of look-ups. Words that fit many contacts are asked for row by row instead: whoever
    walks along the order of a list soon has a page of them.
    """
    found = list(PartySearch.objects.filter(condition(text, prefix="")).values_list("party_id", flat=True)[: FEW + 1])
    return found if len(found) <= FEW else None


def _hits_among(rows: QuerySet[Any], text: str) -> list[int] | None:
    """The keys of those of `rows` that fit what is typed; None where there are more than LITTLE rows. Whoever sees little is spared all that
    a frequent word finds with others."""
    own = list(rows.order_by().values_list("pk", flat=True)[: LITTLE + 1])
    if len(own) > LITTLE:
        return None
    return _fitting(own, text)


def _fitting(keys: list[int], text: str, *, inner: bool = True) -> list[int]:
    """Those of these contacts that fit what is typed."""
    return list(PartySearch.objects.filter(condition(text, inner=inner, prefix=""), party__id__any=array_of(keys)).values_list("party_id", flat=True))


def search_parties(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Those of `rows` (parties, people or organisations) that fit what is typed."""
    found = few_hits(text)
    if found is None:
        found = _hits_among(rows, text)
    return rows.filter(condition(text)) if found is None else rows.filter(pk__any=array_of(found))


def search_records(rows: QuerySet[Any], text: str, own: str, *exact: str, among: list[int] | None = None) -> QuerySet[Any]:
    """Those of `rows` (of a model with `party`, marked with `party_seen`) that fit what is typed: by the words of the column `own` (a sort key
    whose grams are indexed), by a field of `exact` whatever its case, or by a contact the reader may see.

    `among` is for the palette, which shows a few: of these contacts only, and of very many that fit by themselves some.
    """
    key, exactly = sort_key(text.strip()), Q()
    for name in exact:
        exactly |= Q(**{f"{name}__iexact": text.strip()})
    words = Q(**{f"{own}__contains" if len(key) > 2 else f"{own}__startswith": key})
    fits = exactly | (words & Q(own_grams__contains=inner_grams(key)) if len(key) > 2 else words)

    def keys(found: QuerySet[Any], limit: int) -> list[int]:
        return list(found.alias(own_grams=Grams(own)).filter(fits).order_by().values_list("pk", flat=True)[:limit])

    named = keys(rows.model.objects.unrestricted(), FEW + 1)  # the gate: they only narrow rows that start at `visible_to`
    if len(named) > FEW and among is not None:
        named = keys(rows, FEW)
    itself = Q(pk__in=named) if len(named) <= FEW else exactly | words
    parties = few_hits(text) if among is None else among
    theirs = condition(text, prefix="party__search__") if parties is None else Q(party__in=parties)
    return rows.filter(itself | (Q(party_seen=True) & theirs))


def first_parties(rows: QuerySet[Any], text: str, limit: int, hits: list[int] | None = None) -> list[Any]:
    """The best few of `rows`: whose own name begins with what is typed, then another word of the name, then the rest — whole words
    that begin with it before words that contain it. Of very many that fit, some are looked at and the best of these are shown.
    `hits` is what `few_hits` said, where it was asked."""
    typed = sort_key(text.strip())
    found = list(rows.filter(sort_name__startswith=typed).order_by("sort_name", "pk")[:limit]) if typed else []
    if hits is None and len(found) < limit:
        hits = _hits_among(rows, text)
    near = Case(When(sort_name__contains=f" {typed}", then=1), default=2, output_field=IntegerField())
    for inner in (False, True):
        if len(found) == limit:
            break
        others = rows.exclude(pk__in=[party.pk for party in found])
        if hits is None:
            some = others.filter(pk__in=others.filter(condition(text, inner=inner)).order_by().values("pk")[:LOOKED_AT])
        else:
            some = others.filter(pk__any=hits if inner else _fitting(hits, text, inner=False))
        found += some.order_by(near, "sort_name", "pk")[: limit - len(found)]
    return found
