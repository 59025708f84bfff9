"""The console command `tf-ssae`."""

import difflib
import sys
from collections.abc import Sequence

from tf_ssae.cli import ask, calibrate, check, demo, doctor, export, score, serve, train
from tf_ssae.cli.verb import listed
from tf_ssae.system.streams import lasting_streams

_MODULES = (demo, check, train, calibrate, score, export, serve, ask, doctor)
VERBS = {module.VERB.name: module.VERB for module in _MODULES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the verb that the command line names first. Returns the exit status."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in VERBS:
        return VERBS[name].main(rest)
    with lasting_streams():
        return _other(name)


def _other(name: str) -> int:
    if name in ("help", "-h", "--help"):
        print(listed(VERBS.values()))
        return 0
    close = difflib.get_close_matches(name, VERBS, n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    error = f"Error: tf-ssae has no command {name}.{meant}"
    print(f"{error}\n\n{listed(VERBS.values())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
