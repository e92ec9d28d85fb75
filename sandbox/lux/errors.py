"""The error envelope of Lux Financial (upstreams.md §1.4), nested or flat."""

from sandbox.web import Json, Refusal


class Refused(Refusal):
    """The operation says no. `key` names the parameters that are wrong, commas between them."""

    is_about_the_key = False  # of idempotency: such an answer is not kept under it

    def __init__(
        self, status: int, code: str, message: str, *, key: str = "", location: str = "body"
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.key, self.location = key, location

    def body(self, now: int) -> Json:
        """The envelope as the overview shows it."""
        return {"error": self.flat()}

    def flat(self) -> Json:
        shown: Json = {"code": self.code, "message": self.message}
        if self.key:
            shown["source"] = {"location": self.location, "key": self.key}
        return shown


def invalid(key: str, text: str, *, location: str = "body") -> Refused:
    return Refused(400, "invalid_parameter", f"{key} {text}", key=key, location=location)


def not_found(what: str, identity: str, *, code: str = "not_found") -> Refused:
    return Refused(404, code, f"{what} with ID {identity} not found")


def conflict(message: str) -> Refused:
    return Refused(409, "conflict", message)
