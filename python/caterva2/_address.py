# SPDX-License-Identifier: BSD-3-Clause
"""caterva2://HOST:PORT/ROOT/PATH, as other libraries name what is here; caterva2+https:// with TLS."""
from __future__ import annotations

from typing import Optional, Tuple

PROTOCOLS = ("caterva2", "caterva2+https")


def split(url: str) -> Tuple[Optional[str], str]:
    """(host, ROOT/PATH); no host when there is only a path."""
    for protocol in PROTOCOLS:
        if url.startswith(protocol + "://"):
            host, _, path = url[len(protocol) + 3:].partition("/")
            if host and protocol != "caterva2":
                host = "https://" + host
            return host or None, path.strip("/")
    return None, url.strip("/")


def join(host: str, path: str) -> str:
    secure = host.startswith("https://")
    return f"{PROTOCOLS[secure]}://{host.partition('://')[2] if '://' in host else host}/{path}"
