"""What a job tells of its request, for logs and traces: fields of RQ's ``meta``, which all versions skip.

A worker of an older version ignores them; a new field of ``messages.Request`` would make it fail.
"""

import re
from typing import Final

REQUEST_ID_FIELD: Final = "request_id"
TRACEPARENT_FIELD: Final = "traceparent"
# Allows UUIDs and W3C trace ids, and no character that a log or a header would have to escape.
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
# W3C Trace Context, version 00: trace, span, flags.
TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
