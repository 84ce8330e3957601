from workbench.core.notebook_html import notebook_html


class Shown:
    pass


class Registered:
    pass


@notebook_html.register
def _(shown: Registered) -> str:
    return "<b>shown</b>"


def test_an_object_without_a_registered_view_keeps_its_repr():
    assert notebook_html(Shown()) is None


def test_a_registered_view_is_used_for_its_class_and_those_below():
    assert notebook_html(Registered()) == "<b>shown</b>"
    assert notebook_html(type("Child", (Registered,), {})()) == "<b>shown</b>"
