"""``python -m tests.integration.service_without_network run``: a service whose workers lack the network.

Its workers are those of ``worker_without_network``. Everything else is as in ``python -m app``.
"""

import sys

from app.__main__ import main
from app.supervision import supervisor
from app.supervision.child import Child

WORKER = [sys.executable, "-m", "tests.integration.worker_without_network"]


class ChildWithoutNetwork(Child):
    """A child of the supervisor; a worker is one without the network."""

    def start(self) -> None:
        """Start the process."""
        if self.role == "worker":
            self.command = WORKER
        super().start()


if __name__ == "__main__":
    supervisor.Child = ChildWithoutNetwork  # type: ignore[misc]
    sys.exit(main())
