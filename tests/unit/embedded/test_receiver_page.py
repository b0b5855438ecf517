"""The page's own code stays small: what its files may have, in lines and in what a line holds."""

from pathlib import Path

import pytest

import embedded.receiver

PAGE = Path(embedded.receiver.__file__).parent / "page"
FILES = sorted(path for path in PAGE.iterdir() if path.suffix in (".html", ".css", ".js"))
LINES = {path.name: path.read_text().splitlines() for path in FILES}


def test_the_page_has_at_most_2_500_lines():
    assert sum(map(len, LINES.values())) <= 2_500


@pytest.mark.parametrize("name", LINES)
def test_a_line_has_at_most_120_characters_and_a_module_at_most_200_lines(name):
    assert [line for line in LINES[name] if len(line) > 120] == []
    assert len(LINES[name]) <= 200


@pytest.mark.parametrize("name", [name for name in LINES if name.endswith(".js")])
def test_a_module_says_first_what_it_is_for(name):
    assert LINES[name][0].startswith("// ")
