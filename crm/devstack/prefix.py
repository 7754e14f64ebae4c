"""supervisor's event listener: prints what the kept processes write, each line behind the name of its process.

Protocol: http://supervisord.org/events.html. Standard output speaks with supervisor, standard error is the terminal.
supervisor counts an event's length in characters, not in bytes, so the events are read as text.
"""

import sys
from collections import defaultdict
from typing import TextIO

COLOURS = {"postgres": 34, "valkey": 36, "setup": 35, "web": 32, "worker": 33, "beat": 33}


def fields(line: str) -> dict[str, str]:
    """`a:1 b:2` as a dictionary."""
    return dict(word.split(":", 1) for word in line.split())


def listen(events: TextIO, answers: TextIO, terminal: TextIO, *, colour: bool) -> None:
    """Answer every event; print whole lines and keep the unfinished rest of each process for its next event."""
    rest: dict[str, str] = defaultdict(str)
    answers.write("READY\n")
    answers.flush()
    while header := events.readline():
        head, _, written = events.read(int(fields(header)["len"])).partition("\n")
        name = fields(head)["processname"]
        *lines, rest[name] = (rest[name] + written).split("\n")
        for line in lines:
            terminal.write(f"{_prefix(name, colour)}{line}\n")
        terminal.flush()
        answers.write("RESULT 2\nOKREADY\n")
        answers.flush()


def _prefix(name: str, colour: bool) -> str:
    if name == "setup":  # it speaks for itself, as the launcher
        return ""
    return f"\033[{COLOURS.get(name, 0)}m[{name}]\033[0m " if colour else f"[{name}] "


if __name__ == "__main__":
    for stream in (sys.stdin, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")  # type: ignore[union-attr]
    listen(sys.stdin, sys.stdout, sys.stderr, colour="--colour" in sys.argv)
