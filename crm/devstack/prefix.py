"""supervisor's event listener: prints what the kept processes write, each line behind the name of its process.

Protocol: http://supervisord.org/events.html. Standard output speaks with supervisor, standard error is the terminal.
"""

import sys
from collections import defaultdict
from typing import BinaryIO

COLOURS = {"postgres": 34, "valkey": 36, "setup": 35, "web": 32, "worker": 33, "beat": 33}


def fields(line: str) -> dict[str, str]:
    """`a:1 b:2` as a dictionary."""
    return dict(word.split(":", 1) for word in line.split())


def listen(events: BinaryIO, answers: BinaryIO, terminal: BinaryIO, *, colour: bool) -> None:
    """Answer every event; print whole lines and keep the unfinished rest of each process for its next event."""
    rest: dict[str, bytes] = defaultdict(bytes)
    answers.write(b"READY\n")
    answers.flush()
    while header := events.readline():
        head, _, written = events.read(int(fields(header.decode())["len"])).partition(b"\n")
        name = fields(head.decode())["processname"]
        *lines, rest[name] = (rest[name] + written).split(b"\n")
        for line in lines:
            terminal.write(_prefix(name, colour) + line + b"\n")
        terminal.flush()
        answers.write(b"RESULT 2\nOKREADY\n")
        answers.flush()


def _prefix(name: str, colour: bool) -> bytes:
    if name == "setup":  # it speaks for itself, as the launcher
        return b""
    label = f"[{name}]"
    return (f"\033[{COLOURS.get(name, 0)}m{label}\033[0m " if colour else f"{label} ").encode()


if __name__ == "__main__":
    listen(sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer, colour="--colour" in sys.argv)
