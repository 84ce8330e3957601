"""What the command ``workbench`` calls: Ctrl-C ends it without a word until it can say one.

Importing the command line takes some tenths of a second, in which Python would answer Ctrl-C with
a traceback. ``exit_codes.stoppable`` takes over as soon as it is there.
"""

import signal


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from workbench.cli.app import main as command_line  # takes time: see above

    command_line()
