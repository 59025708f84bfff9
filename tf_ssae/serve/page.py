"""The page to drop a photo on, in one piece: it needs no network but this server."""

import base64
import hashlib
import pathlib

import jinja2

from tf_ssae.report.page import ENVIRONMENT

_HERE = pathlib.Path(__file__).parent
_REPORT = _HERE.parent / "report"
_ENVIRONMENT = ENVIRONMENT.overlay(loader=jinja2.FileSystemLoader([_HERE, _REPORT]))


class Page:
    """The page of one model.

    Attributes:
        html: the page.
        headers: what a browser is told with it: that nothing runs but its own style and script, and
            that it may ask for the camera.
    """

    def __init__(self, name: str):
        """`name`: of the model."""
        # The report's own style: both look the same.
        style = (_REPORT / "style.css").read_text() + (_HERE / "page.css").read_text()
        script = (_HERE / "page.js").read_text()
        template = _ENVIRONMENT.get_template("page.html")
        self.html = template.render(name=name, style=style, script=script)
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
