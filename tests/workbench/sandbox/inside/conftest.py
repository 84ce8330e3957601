"""A program in a thread, and the tests' end of the line to it."""

import socket
import sys
import threading

import pytest

from workbench.sandbox.inside import candidate
from workbench.sandbox.inside.literals import Line
from workbench.sandbox.inside.proxies import Program


@pytest.fixture
def loaded(monkeypatch):
    """A function: source -> the program, as the tests see it."""
    monkeypatch.setattr(sys, "setrecursionlimit", lambda limit: None)
    monkeypatch.setitem(sys.modules, "program", None)
    opened = []

    def load(source):
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=candidate.serve, args=[Line(theirs)], daemon=True)
        thread.start()
        opened.append((ours, theirs, thread))
        program = Program(Line(ours))
        program.load(source)
        return program

    yield load
    for ours, theirs, thread in opened:
        ours.close()
        thread.join()
        theirs.close()


@pytest.fixture
def answering():
    """A function: answers -> a program that gives these, whatever it is asked."""
    opened = []

    def make(*answers):
        ours, theirs = socket.socketpair()
        opened.extend([ours, theirs])
        for one in answers:
            if isinstance(one, bytes):
                theirs.sendall(one)
            else:
                Line(theirs).send(one)
        return Program(Line(ours))

    yield make
    for one in opened:
        one.close()
