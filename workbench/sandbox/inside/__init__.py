"""What runs inside the sandbox: the standard library only, and nothing of the rest of the project.

The folder is shown to the sandbox read-only. ``zygote.py`` is the process that is forked for each
program, ``containment.py`` what a forked process gives up before it runs anything, ``candidate.py``
the process that has the program, ``checker.py`` the one that has the tests, and ``literals.py``
what the two say to one another.
"""
