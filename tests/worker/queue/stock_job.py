"""A job that RQ's own worker can run, for comparison."""

from typing import Any


def look() -> None:
    """Do nothing; a test replaces this to read Redis while a job runs."""


def compress(request: dict[str, Any]) -> dict[str, Any]:
    """End as the ``reply_to`` of the request says."""
    look()
    if request["reply_to"] == "defect":
        raise RuntimeError("defect")
    return {"error": "corrupt-image"} if request["reply_to"] == "corrupt" else {"ok": True}
