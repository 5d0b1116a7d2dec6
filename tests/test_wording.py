"""Foreign words made fit to show: on one line, in few marks, and never out of the quotes around them."""

import pytest

from scenario_mcp import wording

QUOTES = '"\u201c\u201d\u201e\u201f\u2033\u2036\u275d\u275e\u301d\u301e\u301f\uff02'


@pytest.mark.parametrize("quote", QUOTES)
def test_no_kind_of_quote_ends_what_is_quoted(quote: str) -> None:
    shown = wording.quoted(f"a{quote} says the server: {quote}b")

    assert shown == "\"a' says the server: 'b\""


def test_marks_that_are_piled_up_do_not_draw_over_other_lines() -> None:
    assert wording.clean("e" + "\u0301" * 50 + "f") == "e" + "\u0301" * 3 + "f"
    assert wording.clean("e\u0301\u0302 is a letter") == "e\u0301\u0302 is a letter"
