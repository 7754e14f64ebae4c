"""An upload beyond the limit, or for which the disk has no room, is not kept: its bytes are passed over as they come, and the form still gets
everything typed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest

from crm.core.errors import is_full

_NOTED, _NO_ROOM = "lotse.too_large", "lotse.no_room"


class Limited(FileUploadHandler):
    """Stands before the handlers that write to disk."""

    def handle_raw_input(self, input_data: Any, META: dict[str, Any], content_length: int, boundary: str, encoding: str | None = None) -> None:
        self.noted = META.setdefault(_NOTED, [])

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > settings.LOTSE_UPLOAD_LIMIT:
            self.noted.append(self.file_name)
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


class Spooled(TemporaryFileUploadHandler):
    """Writes to disk as Django does. Half of a file is no file."""

    def handle_raw_input(self, input_data: Any, META: dict[str, Any], content_length: int, boundary: str, encoding: str | None = None) -> None:
        self.noted = META.setdefault(_NO_ROOM, [])

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError as error:
            self._note(error)
            raise SkipFile from error

    def file_complete(self, file_size: int) -> Any:
        try:
            return super().file_complete(file_size)
        except OSError as error:
            self._note(error)
            return None

    def _note(self, error: OSError) -> None:
        if not is_full(error):
            raise error
        self.noted.append((str(self.field_name), str(self.file_name)))


def without_room(request: HttpRequest) -> list[tuple[str, str]]:
    """(field, name) of the files of this request for which there was no room."""
    return list(request.META.get(_NO_ROOM, []))


def too_large(request: HttpRequest) -> list[str]:
    """Names of the files of this request that were not kept."""
    return list(request.META.get(_NOTED, []))
