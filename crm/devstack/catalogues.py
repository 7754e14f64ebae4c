"""The translation catalogues: compiled where they are used, never committed."""

import logging
from pathlib import Path

from crm.devstack.places import ROOT

SOURCES = "crm/locale/*/LC_MESSAGES/django.po"


def compile_catalogues(root: Path = ROOT) -> list[Path]:
    """Write the .mo beside each .po that is newer (`pybabel compile -D django -d crm/locale`); returns those written."""
    stale = [source for source in sorted(root.glob(SOURCES)) if _is_stale(source)]
    if not stale:
        return []
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    logging.getLogger("babel").setLevel(logging.WARNING)
    for source in stale:
        with source.open("rb") as readable:
            catalogue = read_po(readable, locale=source.parent.parent.name)
        draft = source.with_suffix(".mo.new")
        with draft.open("wb") as writable:
            write_mo(writable, catalogue)
        draft.rename(source.with_suffix(".mo"))
    return stale


def _is_stale(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime
