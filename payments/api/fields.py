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


class Number(serializers.Field[str, Any, Any, Any]):
    """A whole number that came as one; kept as its digits."""

    default_error_messages = {"invalid": "Write this as a JSON integer."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return str(data)


class FreeObject(serializers.Field[Any, Any, Any, Any]):
    """An object of anybody's own; what may stand in it is the rules' to say."""

    default_error_messages = {"invalid": "Write this as a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class Texts(serializers.ListField):
    """A list of texts."""

    child = Text()
    default_error_messages = {"not_a_list": "Write this as a JSON array of strings."}


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
