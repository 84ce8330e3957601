"""Backend ``openai``: any OpenAI-compatible server. Only it and ``openai_traffic`` import openai.

The client runs on an event loop in its own thread: a signal to stop interrupts the main thread, and
would be lost in an event loop there.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from anyio.from_thread import BlockingPortal, start_blocking_portal

from workbench.config.factors import SAMPLING_OPTIONS
from workbench.config.schema import Generation
from workbench.core.types import Request, Sample
from workbench.generate import openai_protocol as protocol
from workbench.generate.continued import go_on
from workbench.generate.openai_options import (
    Address,
    ServerOptions,
    address_of,
    model_entries,
    options_of,
)
from workbench.generate.openai_traffic import BoundedClient, ReplyTooLarge, TrafficMonitor
from workbench.generate.request_options import settings_for

REQUEST_FAULTS = (400, 413, 422)
"""Statuses that concern one request: only that sample becomes an error row."""

FIRST_TRIES = 2
"""Retries of a request that is to show in seconds whether the server answers."""

RESUME_HINT = "finished samples are kept, and the same command goes on"


class RequestRefused(ValueError):
    """A request that the server refuses because of its content: too long, or an unknown option."""


class NoAnswer(ValueError):
    """A request that gets no answer however often it is asked, from a server that is there."""

    def __init__(self, reason: str, advice: str) -> None:
        """Say why, and what to do where the server fails for others too."""
        super().__init__(f"{reason}; {advice}")
        self.reason = reason


@dataclass(frozen=True)
class Server:
    """A connection to a server; its coroutines are run by ``portal`` from the main thread."""

    portal: BlockingPortal
    client: openai.AsyncOpenAI
    address: Address
    options: ServerOptions

    async def draw(
        self,
        request: Request,
        settings: Generation,
        left_out: Collection[str],
        answered: Mapping[str, Any] | None,
    ) -> Sample:
        """Draw one sample, which may be made to go on; a request that is refused is an error row.

        So is one that gets no answer from a server that still answers ``answered``, the body of a
        request that it has answered before.
        """
        while True:
            part = await self._draw_part(request, settings, left_out, answered)
            further = go_on(request, part, settings)
            if isinstance(further, Sample):
                return further
            request = further

    async def _draw_part(
        self,
        request: Request,
        settings: Generation,
        left_out: Collection[str],
        answered: Mapping[str, Any] | None,
    ) -> Sample:
        """Draw a sample until it ends for the first time."""
        prompt, own = request.prompt, settings_for(request, settings)
        fields = protocol.request_body(prompt, own, request.temperature, request.seed, left_out)
        fields |= {k: v for k, v in request.options.items() if k not in SAMPLING_OPTIONS}
        try:
            answer = await self.post(protocol.path_of(prompt), fields)
        except RequestRefused as fault:
            return request.sampled("", "error", error=str(fault))
        except NoAnswer as fault:
            if answered is None:
                raise
            try:  # by a server that is out of order no sample is spoilt: the run stops
                await self.post(protocol.path_of(prompt), answered, FIRST_TRIES)
            except ValueError:
                raise fault from None
            return request.sampled("", "error", error=fault.reason)
        return protocol.to_sample(request, answer, settings.logprobs, own.max_tokens)

    async def post(
        self, path: str, fields: Mapping[str, Any], max_retries: int | None = None
    ) -> protocol.Answer:
        """Send one request.

        Raises:
            RequestRefused: the server refuses this request.
            NoAnswer: it fails at this request, and perhaps at others.
            ValueError: it cannot be reached, asks to wait, refuses the key or does not know the
                model.
        """
        most = self.client.max_retries
        client = self.client.with_options(max_retries=min(most, max_retries or most))
        try:
            response = await client.post(path, cast_to=httpx2.Response, body=fields)
        except openai.APIStatusError as fault:
            if fault.status_code in REQUEST_FAULTS:
                raise RequestRefused(f"the server answers {self._status(fault)}") from None
            if fault.status_code == 404:
                raise ValueError(await self._unknown(fault, path)) from None
            raise self._status_fault(fault) from None
        except ReplyTooLarge as fault:
            raise RequestRefused(str(fault)) from None
        except openai.APIConnectionError as fault:
            raise self._no_answer(fault) from None
        answer: protocol.Answer = response.extensions["answer"]
        return answer

    async def get(self, path: str) -> Any:
        """Return the JSON at a path or address; None where there is none.

        Raises:
            ValueError: the server does not answer, or refuses the key.
        """
        try:
            response = await self.client.get(path, cast_to=httpx2.Response)
            return response.json()
        except openai.APIStatusError as fault:
            if fault.status_code in (401, 403):
                raise self._status_fault(fault) from None
            return None
        except openai.APIConnectionError as fault:
            raise self._no_answer(fault) from None
        except (ValueError, RecursionError, ReplyTooLarge):  # a page for people
            return None

    async def _unknown(self, fault: openai.APIStatusError, path: str) -> str:
        names = [str(row["id"]) for row in model_entries(await self.get("/models"))]
        way = "check generation.engine.base_url, which usually ends in /v1"
        if names:
            way = f"it serves {', '.join(names)}: set generation.model"
        return f"the server at {self.address.url} answers {path} with {self._status(fault)}; {way}"

    def _status_fault(self, fault: openai.APIStatusError) -> ValueError:
        where = f"the server at {self.address.url} answers {self._status(fault)}"
        if fault.status_code in (401, 403):
            key = "set the environment variable OPENAI_API_KEY to a key that it takes"
            return ValueError(f"{where}; {key}")
        wait = fault.response.headers.get("retry-after")
        until = f" (it asks for a pause of {wait} s)" if wait else ""
        reason = f"{where} though asked up to {self._tries} times{until}"
        if fault.status_code == 429:  # whatever is asked
            return ValueError(f"{reason}; {RESUME_HINT}")
        return NoAnswer(reason, RESUME_HINT)

    def _no_answer(self, fault: openai.APIConnectionError) -> ValueError:
        cause = fault.__cause__
        reason = f"cannot be reached or breaks off ({cause or fault})"
        there = not isinstance(cause, httpx2.ConnectTimeout | httpx2.ConnectError)
        if isinstance(fault, openai.APITimeoutError) and there:
            seconds = f"{self.options.timeout:g} s"
            reason = f"gives no whole answer within generation.engine.timeout = {seconds}"
        text = f"the server at {self.address.url} {reason}, asked {self._tries} times"
        text = self.address.hide_key(text)
        advice = f"start it or mend generation.engine.base_url: {RESUME_HINT}"
        return NoAnswer(text, advice) if there else ValueError(f"{text}; {advice}")

    def _status(self, fault: openai.APIStatusError) -> str:
        """Return a status with what the server says to it, in one line."""
        said = fault.body.get("message") if isinstance(fault.body, dict) else None
        text = " ".join(protocol.storable(str(said or fault.response.text)).split())
        detail = f" ({text[:300]})" if text else ""
        return self.address.hide_key(f"{fault.status_code}{detail}")

    @property
    def _tries(self) -> int:
        return self.client.max_retries + 1


@contextmanager
def connect(settings: Generation, max_retries: int | None = None) -> Iterator[Server]:
    """Open a connection to the server of an experiment.

    Requests that are in flight when the block ends are cancelled; nothing keeps running.

    Args:
        settings: the server's address, and how hard it may be asked.
        max_retries: a lower limit than the settings', where a person waits for the first answer.

    Raises:
        ValueError: it is not said where the server is.
    """
    options, address = options_of(settings), address_of(settings)
    retries = options.max_retries if max_retries is None else min(max_retries, options.max_retries)
    monitor = TrafficMonitor(address, retries)
    traffic = BoundedClient(monitor, options.timeout, protocol.most_bytes(settings))
    client = openai.AsyncOpenAI(
        base_url=address.url,
        api_key=address.key,
        max_retries=retries,
        timeout=traffic.timeout,
        http_client=traffic,
    )
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        yield Server(portal, client, address, options)


def sample(
    requests: Iterable[Request],
    settings: Generation,
    left_out: Collection[str] = (),
    answered: Mapping[str, Any] | None = None,
) -> Generator[Sample]:
    """Draw samples from a server, each yielded as it finishes.

    One request per sample with its own seed. After growing pauses, the client repeats a request
    when a connection is refused or drops, after a time-out, and after statuses 408, 409, 429 (after
    the pause that the server asks for) and 5xx.

    Args:
        requests: what to draw; taken from the iterator as earlier ones finish.
        settings: how, and from which server.
        left_out: options that the server does not take; see ``openai_protocol.OPTIONAL_FIELDS``.
        answered: the body of a request that it has answered. A request that gets no answer though
            this one does is an error row; where this one gets none either, the run stops.

    Raises:
        ValueError: the server goes on failing, refuses the key or does not know the model.
    """
    most_running = options_of(settings).concurrency
    waiting = iter(requests)
    running: set[Future[Sample]] = set()
    with connect(settings) as server:
        begin = server.portal.start_task_soon
        while True:
            for request in itertools.islice(waiting, most_running - len(running)):
                running.add(begin(server.draw, request, settings, left_out, answered))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            faults = [fault for future in done if (fault := future.exception())]
            yield from (future.result() for future in done if not future.exception())
            if faults:  # the samples that finished in time were yielded first
                raise faults[0]
