"""Many mails at once, each with words of its own, planned as a campaign will plan them.

    python -m tests.mail.campaign plan FIRST LAST     writes them down
    python -m tests.mail.campaign send                hands over until nothing is due: one worker, for measuring how fast
"""

from __future__ import annotations

import hashlib
import sys
import time


def address_of(number: int) -> str:
    return f"kunde-{number}@kunden.test"


def text_of(number: int) -> str:
    """Words that no other recipient gets, with what might break on the way."""
    proof = hashlib.sha256(f"mail {number}".encode()).hexdigest()
    return f"Sehr geehrte Damen und Herren,\n\nSie sind Nummer {number} – Größe zählt.\n.\n..\nFrom hier: {proof}\n" + "Eine Zeile, die länger ist als achtundsiebzig Zeichen, damit sie umbrochen werden muss. " * 3


def meant(first: int, last: int) -> dict[str, str]:
    """Address → text."""
    return {address_of(number): text_of(number) for number in range(first, last + 1)}


def plan(first: int, last: int) -> None:
    from crm.core.mail import Attachment, Recipient
    from crm.core.mail.plan import draft_mail, plan_many

    house = [Attachment("Größen.pdf", b"%PDF-1.7 " + bytes(range(256)) * 4)]
    for begin in range(first, last + 1, 1000):
        numbers = range(begin, min(begin + 1000, last + 1))
        # one in ten carries a file, all the same one; one in two has HTML
        for carried, chosen in ((house, [n for n in numbers if n % 10 == 0]), ([], [n for n in numbers if n % 10])):
            plan_many(
                (
                    draft_mail(Recipient(address_of(n), "de", f"Kunde Nr. {n}"), kind="advertising", once=f"campaign:{n}", heading=f"Neuheiten für Nr. {n}: Größe",
                               body=text_of(n), html=f"<p>{text_of(n)}</p>" if n % 2 else "", headers={"List-Unsubscribe": f"<https://lotse.test/u/{n}>"})
                    for n in chosen
                ),
                attachments=carried,
            )  # fmt: skip


def send() -> None:
    from crm.core.mail.sending import send_due

    while send_due(60):
        time.sleep(0)


if __name__ == "__main__":
    import django

    django.setup()
    plan(int(sys.argv[2]), int(sys.argv[3])) if sys.argv[1] == "plan" else send()
