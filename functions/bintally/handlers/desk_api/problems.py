"""Errors as the API answers them: application/problem+json, RFC 9457."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

PROBLEM_JSON = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the standard's word
    """The request is refused. `code` is for programs, `detail`, a sentence, for people. `more` are further members."""

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.more = more

    def response(self) -> Response[str]:
        title = HTTPStatus(self.status).phrase
        facts = {"type": "about:blank", "title": title, "status": self.status, "code": self.code, "detail": str(self)}
        headers = {"Cache-Control": "no-store"} | ({"Retry-After": "1"} if self.status == 503 else {})
        return Response(self.status, PROBLEM_JSON, json.dumps(facts | self.more), headers=headers)
