"""One server for all tests that only ask it."""

import pytest
from served import png, served

for name in ("prometheus_client", "starlette", "uvicorn"):
    pytest.importorskip(name, reason="the extra [serve] is not installed")


@pytest.fixture(scope="session")
def server(exported):
    """The URL of a server of the export "parts"."""
    with served(exported) as (_, url):
        yield url


@pytest.fixture(scope="session")
def photos(digit_images):
    """PNG files of 40 digits."""
    return [png(image) for image in digit_images.images[:40, ..., 0]]
