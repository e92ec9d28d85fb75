"""Receiving files without writing them to disk, and without reading what is too long.

Django would put a file of more than 2.5 MB into a temporary one, where a passport would lie in
clear. Here it stays in memory as long as it is short enough, and is dropped as soon as it is not.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

MOST_FILES: Final = 3
_FORM_BYTES: Final = 64 * 1024  # what a browser sends around the files


def is_too_long(request: HttpRequest) -> bool:
    """Whether the body is longer than three documents, or does not say how long it is."""
    announced = str(request.META.get("CONTENT_LENGTH") or "")
    if not announced.isdigit():
        return True
    most: int = MOST_FILES * settings.DOCUMENT_MAX_BYTES + _FORM_BYTES
    return int(announced) > most


class ShortFilesInMemory(FileUploadHandler):
    """Keeps each file up to the size of a document; of a longer one nothing but its size."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._files = 0
        self._kept = BytesIO()
        self._size = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._files += 1
        if self._files > MOST_FILES:
            raise StopUpload(connection_reset=False)
        self._kept, self._size = BytesIO(), 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._size += len(raw_data)
        if self._size <= settings.DOCUMENT_MAX_BYTES:
            self._kept.write(raw_data)
        else:
            self._kept = BytesIO()

    def file_complete(self, file_size: int) -> UploadedFile[Any]:
        self._kept.seek(0)
        return InMemoryUploadedFile(
            file=self._kept,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
