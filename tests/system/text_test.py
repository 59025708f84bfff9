"""Names of files in messages and tables."""

import pytest

from tf_ssae.system.text import csv_cell, printable


@pytest.mark.parametrize(
    "text, shown",
    [
        ("ein Teil.png", "ein Teil.png"),
        ("部品\n\tÜber.png", "部品\n\tÜber.png"),
        ("a\x0cb\x85c\u2028d\x1b[31m\r", "a\\x0cb\\x85c\\u2028d\\x1b[31m\\r"),
        ("gnp.\u202eevil", "gnp.\\u202eevil"),
        ("Kratzer_\udcfc", "Kratzer_\\udcfc"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_does_not_show_is_an_escape(text, shown):
    assert printable(text) == shown
    shown.encode()


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_runs_no_cell(text):
    assert csv_cell(text) == f"'{text}"
    assert csv_cell(f"parts/{text}") == f"parts/{text}"
