"""Requests on their way to a server and replies on their way back: how long, how large, how well.

Every reply is read whole here, with a limit on its time and on its size, before anything looks at
it: a server that trickles would never fall silent, and a small packed reply may unpack to all
memory there is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from anyio import fail_after

from workbench.core.console import notice
from workbench.generate import openai_protocol as protocol
from workbench.generate.openai_options import Address

CONNECT_SECONDS = 10.0
"""Most seconds to wait for a connection."""

SECONDS_BETWEEN_NOTICES = 60.0
"""Least time between two notices about a failing server."""


class ReplyTooLarge(openai.OpenAIError):
    """A reply of more bytes than a sample can need. The client does not ask again."""


@dataclass
class TrafficMonitor:
    """Sees every request and reply: reports trouble, and checks answers."""

    address: Address
    max_retries: int
    status: int | None = None
    """The last status that was an error."""
    quiet_until: float = 0.0

    async def asked(self, request: httpx2.Request) -> None:
        """Print that the server fails, where a request has failed twice."""
        tries = int(request.headers.get("x-stainless-retry-count", "0"))
        if tries >= 2 and time.monotonic() > self.quiet_until:
            self.quiet_until = time.monotonic() + SECONDS_BETWEEN_NOTICES
            last = f", last status {self.status}" if self.status else ""
            notice(
                f"generate: the server at {self.address.url} fails{last}; asking again, each "
                f"request up to {self.max_retries} times"
            )

    def answered(self, reply: httpx2.Response) -> None:
        """Parse an answer; one that cannot be parsed counts as a dropped connection."""
        self.status = reply.status_code if reply.is_error else None
        if reply.status_code == 200 and reply.request.method == "POST":
            try:
                reply.extensions["answer"] = protocol.parse_answer(reply.content)
            except ValueError as fault:
                raise httpx2.RemoteProtocolError(f"an answer that is none: {fault}") from None


class BoundedClient(httpx2.AsyncClient):
    """A client whose replies take no longer, and are no larger, than they may."""

    def __init__(self, monitor: TrafficMonitor, seconds: float, most_bytes: int) -> None:
        """Take the limits of one reply, from its request to its last byte."""
        self.monitor, self.seconds, self.most_bytes = monitor, seconds, most_bytes
        super().__init__(
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            limits=httpx2.Limits(max_connections=None),  # as many as samples are in flight
            follow_redirects=True,
            headers={"Accept-Encoding": "identity"},
            event_hooks={"request": [monitor.asked]},
        )

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request and return its reply, read whole.

        Raises:
            ReadTimeout: the reply did not end in time.
            ReplyTooLarge: it is larger than any sample.
            RemoteProtocolError: it broke off, or is no answer.
        """
        try:
            with fail_after(self.seconds):
                streamed = await super().send(request, **(options | {"stream": True}))
                try:
                    content = await self._read(streamed)
                finally:
                    await streamed.aclose()
        except TimeoutError:
            raise httpx2.ReadTimeout("the reply did not end in time", request=request) from None
        # what it says of its packing and length is true of it no more
        headers = [
            (name, value)
            for name, value in streamed.headers.multi_items()
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        reply = httpx2.Response(
            streamed.status_code, headers=headers, content=content, request=streamed.request
        )
        self.monitor.answered(reply)
        return reply

    async def _read(self, streamed: httpx2.Response) -> bytes:
        parts, size = [], 0
        async for part in streamed.aiter_bytes():
            size += len(part)
            if size > self.most_bytes:
                raise ReplyTooLarge(f"the reply is larger than {self.most_bytes / 2**20:.0f} MiB")
            parts.append(part)
        return b"".join(parts)
