"""The three error shapes of LuxCore (S003 business and validation, LC-ERR authentication)."""

from http import HTTPStatus

from sandbox.clock import iso_ms
from sandbox.web import Json, Refusal


class BusinessError(Refusal):
    """A business rule says no: a code, a message and the moment."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def body(self, now: int) -> Json:
        return {
            "statusCode": self.status,
            "message": self.message,
            "error_code": self.code,
            "timestamp": iso_ms(now),
        }


class ValidationFailed(Refusal):
    """The request is malformed: one message per fault found."""

    def __init__(self, *messages: str, status: int = 400) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages
        self.status = status

    def body(self, now: int) -> Json:
        return {
            "statusCode": self.status,
            "message": list(self.messages),
            "error": HTTPStatus(self.status).phrase,
        }


class Unauthenticated(Refusal):
    """No key, or one we do not know."""

    status = 401

    def body(self, now: int) -> Json:
        return {
            "statusCode": 401,
            "message": "Invalid or missing API key",
            "error": "INVALID_API_KEY",
        }


def not_found(code: str, message: str) -> BusinessError:
    return BusinessError(code, message, status=404)
