"""The parameter ``webhook`` of ``POST /compress``, which is about a job and not about its photo."""

from typing import Final

from app.webhooks.webhooks import Webhooks
from contract.errors import InvalidOptionError

WEBHOOK: Final = "webhook"
WEBHOOK_SCHEMA: Final = {
    "type": "string",
    "format": "uri",
    "description": "With `Prefer: respond-async`: URL to which the service sends the job when it has "
    "ended, if the service allows the URL's host",
}

Pair = tuple[str, str]


def split_webhook(
    pairs: list[Pair], webhooks: Webhooks | None, *, has_job: bool
) -> tuple[list[Pair], str | None]:
    """Return the other pairs, and the webhook's URL if there is one; without ``webhooks``, all pairs.

    Raises:
        InvalidOptionError: when there is more than one, it is not allowed, or nothing that it could
            be about: without ``has_job`` the client waits itself.
    """
    if webhooks is None:
        return pairs, None
    urls = [value for name, value in pairs if name == WEBHOOK]
    if not urls:
        return pairs, None
    if len(urls) > 1:
        raise InvalidOptionError("'webhook' is given more than once.")
    if not has_job:
        raise InvalidOptionError("'webhook' needs the header Prefer: respond-async")
    webhooks.receivers.check(urls[0])
    return [pair for pair in pairs if pair[0] != WEBHOOK], urls[0]
