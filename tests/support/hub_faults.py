"""What can go wrong between a client and the Hub, for `hub_server` to do on demand."""

import time
from dataclasses import dataclass, field
from typing import BinaryIO


@dataclass(frozen=True)
class Fault:
    """One misbehaviour.

    Attributes:
        status: answer with this HTTP status instead.
        headers: of that answer; ``_`` stands for ``-``.
        cut: send the first half of the body and hang up.
        corrupt: change one byte of the body, not its length.
        stall: seconds of silence in the middle of the body.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    corrupt: bool = False
    stall: float = 0

    def write(self, body: bytes, connection: BinaryIO) -> None:
        """Sends the body as far and as well as this fault lets it."""
        half = len(body) // 2
        if self.corrupt:
            body = body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]
        connection.write(body[:half])
        connection.flush()
        if not self.cut:
            time.sleep(self.stall)
            connection.write(body[half:])
