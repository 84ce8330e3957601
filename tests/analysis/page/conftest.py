"""Pages in a browser that notices errors and anything that is fetched."""

import base64
import gzip
import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def unpack():
    """A function: what is packed -> the value."""
    return lambda text: json.loads(gzip.decompress(base64.b64decode(text)))


@pytest.fixture(scope="module")
def visit(browser):
    """A function: file -> open page; at the end nothing may have gone wrong or been fetched."""
    contexts, wrong = [], []

    def go(path, fragment="", width=1280, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((Path(path).as_uri(), "data:", "blob:"))
                else wrong.append(request.url)
            ),
        )
        page.goto(Path(path).as_uri() + fragment)
        return page

    go.wrong = wrong
    yield go
    for context in contexts:
        context.close()
