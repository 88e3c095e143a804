"""The job as RQ's own worker can run it, for comparison."""

from typing import Any


def look() -> None:
    """Do nothing; a test puts something here that sees Redis while a job runs."""


def compress(request: dict[str, Any]) -> dict[str, Any]:
    """End as the request's ``reply_to`` says."""
    look()
    if request["reply_to"] == "defect":
        raise RuntimeError("defect")
    return {"error": "corrupt-image"} if request["reply_to"] == "corrupt" else {"ok": True}
