"""What became of the mails: everything that was meant against everything the mail server accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.mail.sink import Mail, digest_of


@dataclass(frozen=True)
class Verdict:
    """Addresses by what went wrong. `split` are doubles that bear two Message-IDs: no mailbox can tell that they are one."""

    double: tuple[str, ...]
    lost: tuple[str, ...]
    wrong: tuple[str, ...]
    stray: tuple[str, ...]
    split: tuple[str, ...]
    reached: int

    @property
    def holds(self) -> bool:
        """Each exactly once, with its own words, and nobody else."""
        return not (self.double or self.lost or self.wrong or self.stray)


def judge(accepted: Iterable[Mail], meant: Mapping[str, str], *, excused: Iterable[str] = ()) -> Verdict:
    """`meant` is address → text. Who is `excused` (refused by the server, or shown as unclear) may be missing."""
    count: Counter[str] = Counter()
    ids: dict[str, set[str]] = {}
    wrong = set()
    for mail in accepted:
        for address in mail.to:
            count[address] += 1
            ids.setdefault(address, set()).add(mail.message_id)
            if address in meant and (mail.digest != digest_of(meant[address]) or not mail.message_id):
                wrong.add(address)
    return Verdict(
        double=tuple(sorted(address for address, times in count.items() if times > 1)),
        lost=tuple(sorted(set(meant) - set(count) - set(excused))),
        wrong=tuple(sorted(wrong)),
        stray=tuple(sorted(set(count) - set(meant))),
        split=tuple(sorted(address for address, known in ids.items() if len(known) > 1)),
        reached=len(set(count) & set(meant)),
    )
