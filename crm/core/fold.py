"""Order and search keys of names, the same in Python and in SQL (D18).

`sort_key` / `crm_sort` is for order: lower case, no marks, letters without a decomposition replaced (ß ss, æ ae, œ oe, ø o, ł l, đ d, ı i).
`fold` / `crm_fold` is for search: the same, and ae, oe, ue become a, o, u, so that Müller = Mueller = Muller. It is not for order, as
Bauer would come after Baumann. Apply each exactly once to stored text and once to what is typed: `fold` of a fold may shrink further.

Final ς counts as σ: Python's lower() looks at the neighbours, PostgreSQL's does not.
"""

import unicodedata
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Func, Lookup, TextField

_ONE = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "ς": "σ"}
_TWO = {"ß": "ss", "æ": "ae", "œ": "oe"}
_DIGRAPHS = {"ae": "a", "oe": "o", "ue": "u"}
_MARKS = "".join(map(chr, range(0x0300, 0x0370)))  # combining diacritical marks

_PYTHON = str.maketrans({**_ONE, **_TWO, **dict.fromkeys(_MARKS, "")})


def sort_key(text: str) -> str:
    """The key by which `text` stands in a list; compare keys by code point."""
    lower = text.lower()
    return lower if lower.isascii() else unicodedata.normalize("NFD", lower).translate(_PYTHON)


def fold(text: str) -> str:
    """The key under which `text` is found; a prefix of the text gives a prefix of the key."""
    key = sort_key(text)
    for long, short in _DIGRAPHS.items():
        key = key.replace(long, short)
    return key


def grams(key: str) -> list[str]:
    """The trigrams of an already folded text, padded by two blanks before and one after, sorted; none for ''."""
    padded = f"  {key} "
    return sorted({padded[start : start + 3] for start in range(len(key) + 1)}) if key else []


def inner_grams(key: str) -> list[str]:
    """The trigrams that any text containing `key` has too: `WHERE grams @> inner_grams` plus a LIKE recheck. None below three characters."""
    return sorted({key[start : start + 3] for start in range(len(key) - 2)})


def likeness(a: str, b: str) -> float:
    """1 − d / longer length, d = edits with swapped neighbours as one (Damerau 1964, optimal string alignment)."""
    if a == b:
        return 1.0
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        row = [i]
        for j, right in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return 1 - last[-1] / max(len(a), len(b))


def _sql_replace(expression: str, pairs: dict[str, str]) -> str:
    for old, new in pairs.items():
        expression = f"replace({expression}, '{old}', '{new}')"
    return expression


# The body after RETURN is parsed when the function is made, so no search_path can change what it calls. `translate` drops the characters
# of its second argument that have no partner in the third. The named collation makes lower() know more than ASCII on COLLATE "C" columns.
_SORT_BODY = _sql_replace(
    f"""translate(normalize(lower(t COLLATE "pg_c_utf8"), NFD), '{"".join(_ONE)}{_MARKS}', '{"".join(_ONE.values())}')""", _TWO
)
_HEAD = "CREATE OR REPLACE FUNCTION {}(t text) RETURNS {} LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE"

FOLD_SQL = f"""
{_HEAD.format("crm_sort", "text")}
RETURN {_SORT_BODY};
{_HEAD.format("crm_fold", "text")}
RETURN {_sql_replace(_SORT_BODY, _DIGRAPHS)};
{_HEAD.format("crm_grams", "text[]")}
RETURN ARRAY(
    SELECT DISTINCT substr('  ' || t || ' ', start, 3) COLLATE "C" AS gram FROM generate_series(1, length(t) + 1) AS start WHERE t <> '' ORDER BY gram
);
"""  # noqa: S608 - put together from the constants above
DROP_FOLD_SQL = "DROP FUNCTION crm_grams(text); DROP FUNCTION crm_fold(text); DROP FUNCTION crm_sort(text);"


class Sort(Func):
    """`crm_sort(text)` as an expression."""

    function = "crm_sort"
    arity = 1
    output_field = TextField(db_collation="C")


class Fold(Func):
    """`crm_fold(text)` as an expression."""

    function = "crm_fold"
    arity = 1
    output_field = TextField(db_collation="C")


@TextField.register_lookup
class Begins(Lookup):  # type: ignore[type-arg]  # generic in the stubs alone
    """Begins with a text, as the two ends of a stretch of an index with `text_pattern_ops`: LIKE would fold each row it found once more."""

    lookup_name = "begins"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, params = self.process_lhs(compiler, connection)
        return f"({left} ~>=~ %s AND {left} ~<~ %s)", [*params, self.rhs, *params, f"{self.rhs}\U0010ffff"]


class Grams(Func):
    """`crm_grams(text)` of an already folded text, for a GIN index."""

    function = "crm_grams"
    arity = 1
    output_field = ArrayField(TextField())
