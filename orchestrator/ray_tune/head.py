"""The head of a cluster that is not ours: whether it is still there, found out without Ray.

Once the head has died, a call to Ray neither returns nor raises until Ray's core ends the process, after 60 s.
"""

import socket
import time
from collections.abc import Callable

LOOK_SECONDS = 1.0
REFUSALS = 3
"""So many looks in a row at a machine that answers, and where nobody listens any more: the head's process is gone."""
SILENT_SECONDS = 20.0
"""So long without any answer: its machine is gone, or the network between; Ray itself bears less than a minute."""


class Head:
    """Looks at the port of a cluster's head.

    Args:
        address: HOST:PORT.
        clock: monotonic, in seconds.
    """

    def __init__(self, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        host, _, port = address.rpartition(":")
        self._place = host.strip("[]"), int(port)
        self._clock = clock
        self._looked = self._answered = clock()
        self._refusals = 0

    def is_gone(self) -> bool:
        """Return whether the head has died; asked often, looked at once a second."""
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._look()
            self._looked = self._clock()
        return self._refusals >= REFUSALS or self._clock() - self._answered >= SILENT_SECONDS

    def _look(self) -> None:
        try:
            socket.create_connection(self._place, timeout=LOOK_SECONDS).close()
        except ConnectionRefusedError:
            self._refusals += 1
        except OSError:
            self._refusals = 0
        else:
            self._refusals, self._answered = 0, self._clock()
