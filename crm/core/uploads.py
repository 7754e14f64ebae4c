"""An upload beyond the limit is not kept: its bytes are passed over as they come, and the form still gets everything typed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

_NOTED = "lotse.too_large"


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


def too_large(request: HttpRequest) -> list[str]:
    """Names of the files of this request that were not kept."""
    return list(request.META.get(_NOTED, []))
