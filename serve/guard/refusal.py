"""Refuses a request: a status, a kind that metrics count, and one line that quotes nothing of what was sent."""

from starlette.responses import JSONResponse


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """Raised anywhere in the guard instead of an answer; `middleware` sends it."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind

    def response(self) -> JSONResponse:
        """The refusal in one line of JSON."""
        headers = {408: {"Connection": "close"}, 503: {"Retry-After": "5"}}.get(self.status)
        return JSONResponse({"error": {"type": self.kind, "message": str(self)}}, self.status, headers)


def client_gone() -> Refusal:
    """The client hung up. Counted as what it is: no fault of the engine's. 499 is nginx's name for it."""
    return Refusal(499, "client_gone", "the client left before its answer")


def draining() -> Refusal:
    """The server stops, or was told to begin no draft."""
    return Refusal(503, "draining", "the server is stopping; ask again")


def internal() -> Refusal:
    """What nobody foresaw. Starlette's own answer would be a page of text."""
    return Refusal(500, "internal", "the server failed; ask again")
