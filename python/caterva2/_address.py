# SPDX-License-Identifier: BSD-3-Clause
"""caterva2://HOST:PORT/ROOT/PATH, as other libraries name what is here; caterva2+https:// with TLS."""
from __future__ import annotations

from typing import Optional, Tuple

PROTOCOLS = ("caterva2", "caterva2+https")
SECURE = {**dict(zip(PROTOCOLS, (False, True))), "http": False, "https": True}


def split(url: str) -> Tuple[Optional[str], str]:
    """(host, ROOT/PATH); no host when there is only a path. http:// and https:// of the subscriber are taken, too."""
    protocol, _, rest = url.partition("://")
    if protocol not in SECURE or not rest:
        return None, url.strip("/")
    host, _, path = rest.partition("/")
    if host and SECURE[protocol]:
        host = "https://" + host
    return host or None, path.strip("/")


def join(host: str, path: str) -> str:
    secure = host.startswith("https://")
    return f"{PROTOCOLS[secure]}://{host.partition('://')[2] if '://' in host else host}/{path}"
