"""The command ``doctor``: what this machine has, what is missing, and whether it can draw."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.cli.machine_checks import Finding


def doctor() -> None:
    """Say what this machine has and lacks, and draw ten tokens.

    The tokens are drawn with the small model, by the backend that `auto` stands for, or else by
    another one that is installed. No network is asked. The exit code is 1 if nothing can draw.
    """
    from workbench.cli.machine_checks import (
        ENGINES,
        MODEL,
        PROMPT,
        draw_tokens,
        engine_fault,
        engine_findings,
        machine_findings,
    )
    from workbench.core.console import printable
    from workbench.generate import resolve

    for finding in (*machine_findings(), *engine_findings()):
        _print(finding)
    first = resolve("auto")
    for backend in (first, *(name for name in ENGINES if name != first)):
        if engine_fault(backend):
            continue
        try:
            drawn = draw_tokens(backend)
        except Exception as fault:  # whatever an engine raises: to find it is what this is for
            _print_fault(backend, fault)
            continue
        text = printable(drawn.text.strip())
        print(f'\n{backend} works: after {drawn.start:.0f} s {MODEL} went on from "{PROMPT}" with')
        print(f'"{text}", at {drawn.rate:.1f} tokens per second.')
        print("That is one sample alone: a run draws many at once, which is faster by far.")
        if backend != first:
            print(f"Set generation.backend to {backend}, as `auto` would take {first}.")
        return
    raise ValueError("no backend can draw samples on this machine; what is missing stands above")


def _print(finding: "Finding") -> None:
    import textwrap

    text = f"{'missing: ' if finding.missing else ''}{finding.text}"
    head = f"{finding.name:<14}"
    print(textwrap.fill(text, 100, initial_indent=head, subsequent_indent=" " * len(head)))


def _print_fault(backend: str, fault: Exception) -> None:
    from workbench.cli.machine_checks import Finding
    from workbench.core.version import install_command

    lines = str(fault).strip().splitlines() or [type(fault).__name__]
    text = f"cannot draw ({lines[0][:300]}); run {install_command()} again, or take another backend"
    _print(Finding(backend, text, missing=True))
