"""Where a result comes from: command, versions and machine, so that it can be reproduced."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import shlex
import subprocess
import sys
from typing import Any

from tf_ssae._version import __version__
from tf_ssae.system import processor


def environment() -> dict[str, Any]:
    """A dict of JSON values."""
    return {
        "command": command(),
        "versions": {
            "tf_ssae": __version__,
            "python": platform.python_version(),
            **{
                name: importlib.metadata.version(name)
                for name in ("tensorflow", "keras", "numpy", "scikit-learn")
            },
        },
        "git_revision": _git_revision(),
        "machine": {
            "processor": processor.name(),
            "bfloat16": processor.bfloat16(),
            "cores": len(os.sched_getaffinity(0)),
            "system": f"{platform.system()} {platform.machine()}",
        },
    }


def made(run: object) -> tuple[tuple[str, str], ...]:
    """`((label, text), ...)` for the foot of a page. `run`: name of the run that it is about."""
    now = datetime.datetime.now().astimezone()
    return (
        ("Made", f"{now:%Y-%m-%d %H:%M %Z} by tf_ssae {__version__}"),
        ("Run", str(run)),
        ("Command", command()),
    )


def command() -> str:
    """The command line of this process."""
    program, *arguments = sys.argv
    if pathlib.Path(program).name == "tf-ssae":
        return shlex.join(["tf-ssae", *arguments])
    return shlex.join(["python", program, *arguments])


def _git_revision() -> str | None:
    """The revision of the checkout that holds this package, marked if files differ from it; None
    outside a checkout.
    """
    here = pathlib.Path(__file__)

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=here.parent, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        # Installed into a virtual environment, it may be inside another project's checkout.
        git("ls-files", "--error-unmatch", here.name)
        return git("describe", "--always", "--abbrev=40", "--dirty", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return None
