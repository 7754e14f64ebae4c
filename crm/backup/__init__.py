"""Backup, restore and the drill that proves both (docs/backup.md). In the roof, because a restore speaks to every app."""


class Refused(Exception):
    """It cannot be done; the sentence says why and what to do."""
