"""How the sandbox says no."""

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException


class Refusal(HTTPException):
    """An answer that says no, with the body that the API sends."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, headers=headers)
        self.body = dict(body)
