"""Options of backend ``openai`` (``generation.engine``), and the address and key of its server."""

from __future__ import annotations

import os
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from workbench.config.schema import Generation
from workbench.config.setting_types import STRICT


def _check_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port above 65535, half an IPv6 address
        whole = False
    if not whole or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"must be an address such as http://127.0.0.1:8000/v1, got {url!r}")
    if parts.username or parts.password or parts.query:
        raise ValueError(  # without the address, which may hold a key
            "holds a user, a password or a query; give the server's key in the environment "
            "variable OPENAI_API_KEY, where no file keeps it"
        )
    return url


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ServerOptions:
    """``generation.engine`` for backend ``openai``."""

    base_url: Annotated[str, AfterValidator(_check_address)] | None = None
    """The server's address, which usually ends in /v1; by default the variable OPENAI_BASE_URL."""
    concurrency: int = Field(default=64, ge=1, le=10_000)
    """Requests in flight at once: about as many as the server works on at a time."""
    timeout: float = Field(default=600.0, gt=0, le=86_400)
    """Seconds that the server may take over one sample, from the request to the last byte."""
    max_retries: int = Field(default=20, ge=0, le=1000)
    """How often a request is sent again after the server failed. The pauses double from half a
    second to eight: 20 of them are two minutes, in which most servers can be started again."""


@dataclass(frozen=True)
class Address:
    """The address of the server, and the key that it requires."""

    url: str
    key: str

    def hide_key(self, text: str) -> str:
        """Return a text without the key, should the server have repeated it."""
        return text.replace(self.key, "***") if len(self.key) > 3 else text


def options_of(settings: Generation) -> ServerOptions:
    """Return the server's options of a valid experiment."""
    return ServerOptions(**settings.engine)


def address_of(settings: Generation) -> Address:
    """Return where the server is; the key is read from the environment alone.

    Raises:
        ValueError: neither the experiment nor the environment says where.
    """
    url = options_of(settings).base_url or os.environ.get("OPENAI_BASE_URL")
    if not url:
        raise ValueError(
            "generation.engine.base_url is missing: give the server's address, such as "
            "http://127.0.0.1:8000/v1, there or in the variable OPENAI_BASE_URL"
        )
    try:
        _check_address(url)
    except ValueError as fault:
        raise ValueError(f"OPENAI_BASE_URL {fault}") from None
    # a server without keys takes any; the client insists on one
    return Address(url.rstrip("/"), os.environ.get("OPENAI_API_KEY") or "-")


def model_entries(listed: Any) -> list[dict[str, Any]]:
    """Return the entries of a server's list of models; none if it is no such list.

    >>> model_entries({"data": [{"id": "small"}, "else"]}), model_entries(None)
    ([{'id': 'small'}], [])
    """
    rows = listed.get("data") if isinstance(listed, dict) else None
    return [row for row in rows or () if isinstance(row, dict) and "id" in row]
