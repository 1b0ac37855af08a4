# SPDX-License-Identifier: BSD-3-Clause
"""What the shipped tests share: the services they talk to."""
import pathlib
import time

import pytest

import caterva2
from caterva2.tests.services import EXTERNAL, PATIENCE, ExternalServices, Services


@pytest.fixture(scope="session")
def _services():
    if EXTERNAL:
        yield ExternalServices()
        return
    it = Services(pathlib.Path("_caterva2_tests").absolute())
    try:
        it.start()
        yield it
    finally:
        it.stop()


@pytest.fixture
def services(_services):
    """All of them running; the subscriber follows the root."""
    _services.start()
    end = time.monotonic() + PATIENCE
    while True:
        try:
            caterva2.subscribe(_services.root, _services.host)
            return _services
        except (caterva2.NotFound, caterva2.Unavailable):  # a service that was just started is not known to all yet
            if _services.external or time.monotonic() > end:
                raise
            time.sleep(0.05)


@pytest.fixture
def own(services):
    """Services that a test may stop, and whose root it may change."""
    if services.external:
        pytest.skip("services of others are not stopped, nor are their roots changed")
    return services


@pytest.fixture
def example(services):
    """The services, when their root is the example root."""
    names = set(caterva2.get_list(services.root, services.host))
    if services.external and not {"README.md", "ds-1d.b2nd", "ds-hello.b2frame", "dir1/ds-2d.b2nd", "dir2/ds-4d.b2nd"} <= names:
        pytest.skip(f"root {services.root} of {services.host} is not the example root")
    return services
