# SPDX-License-Identifier: BSD-3-Clause
"""Every command of the manual pages' EXAMPLES does what it says, with what is installed, in a room of its own."""
import re

import pages
import pytest
from programs import BUILD, EXTERNAL, ROOT
from test_tutorials import play

NO_ROOM = pages.no_room()
PAGES = sorted((ROOT / "man").glob("*.[1-8]"))


@pytest.mark.skipif(EXTERNAL, reason="starts services of its own")
@pytest.mark.skipif(bool(re.search("asan|tsan", BUILD.name)), reason="pages are played with the release build")
@pytest.mark.skipif(NO_ROOM is not None, reason=f"pages cannot be played: {NO_ROOM}")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_do_what_it_says(page, prefix, tmp_path):
    status, said = play(page, prefix, tmp_path / "room")
    assert status == 0, said
