# SPDX-License-Identifier: BSD-3-Clause
"""The examples of docs/python.md give what is written there."""
import doctest
import pathlib

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs/python.md"


def test_the_examples_of_the_guide(place):
    own = GUIDE.read_text().partition("\n## Other libraries\n")[0]  # the rest: tests/harness/science.py
    text = own.replace("localhost:8002", place.host)
    test = doctest.DocTestParser().get_doctest(text, {}, GUIDE.name, str(GUIDE), 0)
    said = []
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert result.attempted > 20 and not result.failed, "".join(said)
