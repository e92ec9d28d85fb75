"""Parts of requests and answers that more than one endpoint uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class Text(serializers.CharField):
    """Text that came as text: a number in its place has lost its zeros, or its decimals."""

    default_error_messages = {"invalid": "Write this as a JSON string."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ClosedSerializer(serializers.Serializer[Any]):
    """An object that has these members and no others: a misspelt one is not silently dropped."""

    default_error_messages = {"invalid": "Write this as a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError(
                {name: ["There is no such field here."] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


@extend_schema_field(
    {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["2500.00"]}
)
class Amount(serializers.CharField):
    """An amount in major units, as decimal text."""
