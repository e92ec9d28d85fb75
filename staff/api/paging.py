"""Lists of the API, page by page: the same keysets and cursors as on the desk's own lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from staff import lists
from staff.api.problems import BadParameter

PAGING = ("after", "size")  # the parameters that turn pages; lists have filters of their own beside


class KeysetPagination(BasePagination):
    """Newest first. `after` is the cursor that the page before ended with."""

    order = lists.Order("created_at", newest_first=True)

    def paginate_queryset(
        self,
        queryset: QuerySet[Any, Any] | Sequence[Any],
        request: Request,
        view: APIView | None = None,
    ) -> list[Any]:
        assert isinstance(queryset, QuerySet)
        size = request.query_params.get("size", str(lists.SIZES[0]))
        if size not in map(str, lists.SIZES):
            known = ", ".join(map(str, lists.SIZES))
            raise BadParameter({"size": f"A page has one of these sizes: {known}."})
        after = request.query_params.get("after", "")
        if after and not lists.is_cursor(queryset, self.order, after):
            raise BadParameter({"after": "This is not where a page of this list ended."})
        query = QueryDict(mutable=True)
        query.update({"size": size, "after": after})
        page = lists.page(queryset, order=self.order, query=query)
        self.after = page.after or None
        return page.rows

    def get_paginated_response(self, data: Sequence[Mapping[str, Any]]) -> Response:
        return Response({"results": data, "after": self.after})

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "after"],
            "properties": {
                "results": schema,
                "after": {
                    "type": ["string", "null"],
                    "description": "The cursor of the next page; null on the last one.",
                },
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "after",
                "in": "query",
                "schema": {"type": "string"},
                "description": "The cursor that the page before ended with.",
            },
            {
                "name": "size",
                "in": "query",
                "schema": {"type": "integer", "enum": [*lists.SIZES], "default": lists.SIZES[0]},
                "description": "How many rows a page has.",
            },
        ]
