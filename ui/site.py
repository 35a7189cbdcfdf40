"""Where the app can be reached, and which requests come from its own pages."""

import contextlib
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request

from feedback_loop.errors import UsageError

SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Site:
    """The names under which the app answers. Any other in `Host` may be a stranger's, pointed at this machine."""

    url: str = ""
    """What people type, where a proxy stands in front, such as `https://label.example.org`; else empty."""
    names: frozenset[str] = frozenset()
    """Host names beside `localhost` and the one in `url`; addresses in figures are always known."""

    @property
    def name(self) -> str:
        """The host name in `url`."""
        return host_name(urlsplit(self.url).netloc)

    def knows(self, host: str) -> bool:
        """Whether a `Host` header names this app. A name may be rebound to another machine, an address cannot."""
        name = host_name(host)
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(name)
            return True
        return name in {"localhost", *self.names, self.name} - {""}

    def secure(self, request: Request) -> bool:
        """Whether the browser speaks https, so that its cookies must never travel without."""
        behind = urlsplit(self.url)
        host = request.headers.get("host", "")
        return request.url.scheme == "https" or (
            behind.scheme == "https" and host_name(behind.netloc) == host_name(host)
        )


def open_site(host: str, url: str) -> Site:
    """The site of a server bound to `host`; UsageError where `url` is no address of a site."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query):
        raise UsageError(
            f"--url {url}: give the address people type, such as https://label.example.org, without a path."
        )
    return Site(url.rstrip("/"), frozenset({host.lower()}))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server there."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def host_name(host: str) -> str:
    """The name in a `Host` header: no port, no brackets, small letters; empty where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def own(request: Request) -> bool:
    """Whether a request that changes something came from the app's own page, or from no browser at all.

    A browser says so in `Sec-Fetch-Site`, or, without encryption, in `Origin`; no page can forge either. Routes of the API
    want a header as well that another site's page cannot send.
    """
    if request.method in SAFE:
        return True
    if request.url.path.startswith("/api/") and request.headers.get("x-feedback-loop") != "1":
        return False
    fetched, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if fetched is not None:
        return fetched in ("same-origin", "none")
    return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
