"""The page of many runs: a row and a link each."""

import os
from collections.abc import Sequence
from typing import Any

from tf_ssae.report.page import ENVIRONMENT
from tf_ssae.system.files import replacing


def write(path: str | os.PathLike[str], folder: str, products: Sequence[Any]) -> None:
    """Writes the page, whole. `folder`: of the images. `products`: see `training.products.Product`;
    the report of each is `NAME/report.html` beside the page.
    """
    text = ENVIRONMENT.get_template("index.html").render(folder=folder, products=products)
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))
