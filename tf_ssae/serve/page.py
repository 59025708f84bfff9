"""The page to drop a photo on, in one piece: it needs no network but this server."""

import base64
import hashlib
import html
import importlib.resources

from tf_ssae.system.text import printable


class Page:
    """The page of one model.

    Attributes:
        html: the page.
        headers: what a browser is told with it: that nothing runs but its own style and script, and
            that it may ask for the camera.
    """

    def __init__(self, name: str):
        """`name`: of the model."""
        package = importlib.resources.files("tf_ssae")
        here = package / "serve"
        # The report's own style: both look the same.
        style = (package / "report" / "style.css").read_text() + (here / "page.css").read_text()
        script = (here / "page.js").read_text()
        parts = {"name": html.escape(printable(name)), "style": style, "script": script}
        page = (here / "page.html").read_text()
        for place, text in parts.items():
            page = page.replace(f"@{place}@", text)
        self.html = page
        policy = (
            "default-src 'none'",
            f"script-src {_digest(script)}",
            f"style-src {_digest(style)}",
            "img-src 'self' blob: data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
        self.headers = {
            "Content-Security-Policy": "; ".join(policy),
            "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
            "Cache-Control": "no-cache",
        }


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
