"""Runs programs that a model wrote, in a sandbox that contains them and cannot be forged.

``Sandbox`` (in ``programs.py``) judges a program by tests, and calls it with arguments. The program
and the tests run in two processes of two sandboxes, which speak to one another in literals only
(``inside/literals.py``): nothing that a program does makes it see an expected value, or be its own
judge. ``zygotes.py`` starts the sandboxes, ``self_test.py`` tries to break out of them first, and
``inside`` is what runs in them.
"""
