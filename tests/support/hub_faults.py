"""Faults between a client and the Hub, which `hub_server` produces on demand."""

import time
from dataclasses import dataclass, field
from typing import BinaryIO


@dataclass(frozen=True)
class Fault:
    """One faulty answer.

    Attributes:
        status: answer with this HTTP status instead.
        headers: headers of that answer, with ``_`` in place of ``-``.
        cut: send the first half of the body and close the connection.
        corrupt: change one byte of the body but not its length.
        stall: seconds to wait in the middle of the body.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    corrupt: bool = False
    stall: float = 0

    def write(self, body: bytes, connection: BinaryIO) -> None:
        """Sends the body with this fault."""
        half = len(body) // 2
        if self.corrupt:
            body = body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]
        connection.write(body[:half])
        connection.flush()
        if not self.cut:
            time.sleep(self.stall)
            connection.write(body[half:])
