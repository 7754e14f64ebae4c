"""Which version is the one before: by tag, by migration, by name; and where there is none."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.upgrade import versions
from tests.upgrade.versions import NoHistoryError, unpack, version_before

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A repository of its own: the product's is what it is."""
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    monkeypatch.delenv("LOTSE_UPGRADE_FROM", raising=False)

    def run(*words: str) -> str:
        who = ["-c", "user.name=Test", "-c", "user.email=test@lotse.test", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"]
        return subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    try:
        run("init", "-q")
    except FileNotFoundError:
        pytest.skip("git is missing on this machine")
    return run


def commit(git: Git, file: str) -> str:
    """A commit with one file more."""
    path = versions.ROOT / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file)
    git("add", "-A")
    git("commit", "-q", "-m", file)
    return git("rev-parse", "HEAD")


def test_without_tags_it_is_the_commit_before_the_latest_migration(git: Git) -> None:
    commit(git, "contacts/migrations/0001.py")
    before = commit(git, "words.py")
    commit(git, "crm/core/migrations/0002.py")
    commit(git, "more.py")
    assert version_before() == before


def test_a_tag_counts_if_a_migration_came_since(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    first = commit(git, "contacts/migrations/0001.py")
    git("tag", "v1")
    between = commit(git, "words.py")
    commit(git, "contacts/migrations/0002.py")
    git("tag", "v2")  # this version itself
    assert version_before() == first
    commit(git, "more.py")
    assert version_before() == between
    monkeypatch.setenv("LOTSE_UPGRADE_FROM", "v2")
    assert version_before() == git("rev-parse", "v2")


def test_its_files_are_those_of_then(git: Git, tmp_path: Path) -> None:
    first = commit(git, "contacts/migrations/0001.py")
    commit(git, "more.py")
    folder = unpack(first, tmp_path / "before")
    assert (folder / "contacts/migrations/0001.py").exists() and not (folder / "more.py").exists()


def test_without_a_past_there_is_none(git: Git) -> None:
    with pytest.raises(NoHistoryError):
        version_before()
    commit(git, "contacts/migrations/0001.py")  # all that a shallow clone knows
    with pytest.raises(NoHistoryError, match="rev-parse"):
        version_before()
