"""The parameter `webhook` belongs to a job, and is an option like others where webhooks are off."""

import asyncio
from typing import cast

import pytest

from app.sources.allow_list import AllowList
from app.webhooks.parameter import split_webhook
from app.webhooks.receiver import Receivers
from app.webhooks.webhooks import Webhooks
from contract.errors import InvalidOptionError

URL = "http://hooks.example/x"


class StandIn:
    """Has the receivers that `Webhooks` has."""

    def __init__(self) -> None:
        self.receivers = Receivers(AllowList(("hooks.example",), (80,)), [], timeout_s=1)


def split(
    pairs: list[tuple[str, str]], *, has_job: bool = True
) -> tuple[list[tuple[str, str]], str | None]:
    async def run() -> tuple[list[tuple[str, str]], str | None]:
        return split_webhook(pairs, cast("Webhooks", StandIn()), has_job=has_job)

    return asyncio.run(run())


def test_the_url_is_taken_out_of_the_options() -> None:
    assert split([("quality", "5"), ("webhook", URL)]) == ([("quality", "5")], URL)
    assert split([("quality", "5")], has_job=False) == ([("quality", "5")], None)


def test_where_webhooks_are_off_it_stays_among_the_options() -> None:
    pairs = [("webhook", URL), ("webhook", URL)]
    assert split_webhook(pairs, None, has_job=False) == (pairs, None)


def test_a_wrong_one_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="more than once"):
        split([("webhook", URL), ("webhook", URL)])
    with pytest.raises(InvalidOptionError, match="Prefer: respond-async"):
        split([("webhook", URL)], has_job=False)
    with pytest.raises(InvalidOptionError, match="allow-list"):
        split([("webhook", "http://other.example/")])
