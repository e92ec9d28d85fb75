"""How a body becomes data, and an answer bytes: JSON, whatever the caller says they accept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from staff.api.problems import BodyTooLarge
from upstreams import strict_json

MOST_BYTES: Final = 65_536  # the longest withdrawal that fits its fields is a tenth of it


class StrictJSONParser(BaseParser):
    """JSON objects without second meanings: no name twice, no NaN, no float, no deep nesting."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise BodyTooLarge(f"A body has at most {MOST_BYTES} bytes.")
        try:
            document = strict_json.loads(data)
        except strict_json.NotStrictJson as flaw:
            raise ParseError(f"The body is not JSON as we take it: {flaw}.") from flaw
        if not isinstance(document, dict):
            raise ParseError("The body is not a JSON object.")
        return document


class OneFormat(BaseContentNegotiation):
    """Take the first parser that reads the body's type, and answer in the one format there is."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == sent), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""
