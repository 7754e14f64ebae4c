"""A disk of its own that can be filled: an ext4 image, mounted over a loop device. Only root may; others get a folder, which never fills."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

BALLAST = "ballast"


@dataclass(frozen=True)
class Disk:
    """`with Disk(folder, megabytes): …`; `real` says whether it can be filled."""

    folder: Path
    megabytes: int

    @property
    def image(self) -> Path:
        """The file in which it lies."""
        return self.folder.with_name(f"{self.folder.name}.img")

    @property
    def real(self) -> bool:
        """Whether it is a disk and not just a folder."""
        return self.folder.is_mount()

    def __enter__(self) -> Disk:
        self._remove()
        self.folder.mkdir(parents=True)
        with self.image.open("wb") as image:
            image.truncate(self.megabytes * 1_000_000)
        self._try("mkfs.ext4", "-q", "-m", "0", str(self.image)) and self._try("mount", "-o", "loop", str(self.image), str(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def _remove(self) -> None:
        """Also what a killed run left."""
        if self.real:
            self._try("umount", "--lazy", str(self.folder))
        shutil.rmtree(self.folder, ignore_errors=True)
        self.image.unlink(missing_ok=True)

    def _try(self, *command: str) -> bool:
        return bool(shutil.which(command[0])) and subprocess.run(command, capture_output=True).returncode == 0

    def fill(self, but: int = 0) -> None:
        """Leave so many bytes free; with none not one block. The room is taken and not written, or who works here would wait for our bytes."""
        assert self.real
        with (self.folder / BALLAST).open("ab") as ballast:
            taken = ballast.tell()
            for piece in (1 << 24, 1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while not but or self.free() - piece >= but:
                        os.posix_fallocate(ballast.fileno(), taken, piece)
                        taken += piece

    def free(self) -> int:
        """Bytes that can still be written."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def make_room(self) -> None:
        """Somebody made room."""
        (self.folder / BALLAST).unlink(missing_ok=True)
