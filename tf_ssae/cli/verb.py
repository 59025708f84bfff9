"""What all verbs of the console command share: flags of their own, --help with what matters first,
and one sentence for what goes wrong.
"""

import dataclasses
import difflib
import os
import pathlib
import re
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence

from absl import flags

from tf_ssae.cli.interrupts import interrupts
from tf_ssae.system.streams import lasting_streams

_WIDEST = 100
_COLUMN = 30
_HELP = ("--help", "-help", "-h", "--helpfull", "--helpshort")


class UsageError(Exception):
    """The command line is wrong; the message says why."""


class Failed(Exception):
    """The command was right but did not succeed; the message says why."""


# Their messages are written for the person who reads them: nothing else is printed.
EXPECTED = (Failed, ValueError, OSError)


@dataclasses.dataclass(frozen=True)
class Verb:
    """One verb. Its exit status is 0; 1 if it failed; 2 if its flags are wrong; 128 and its
    number if a signal stopped it (130 after Ctrl-C).

    Attributes:
        name: what is typed after `tf-ssae`.
        summary: a sentence without a full stop, for the list of verbs.
        example: flags of a typical call.
        flag_values: absl's flags, of this verb alone.
        first: `{title: names of flags}`, shown by --help before all others.
        run: runs the verb; takes the arguments of the command line that are not flags.
        required: the flags that must be given.
        takes_files: whether the command line may hold arguments that are not flags.
        hint: how to mend a command line with such arguments, if it may not.
        note: a sentence that --help shows before the flags.
        stopped: printed after Ctrl-C.
    """

    name: str
    summary: str
    example: str
    flag_values: flags.FlagValues
    first: Mapping[str, Sequence[str]]
    run: Callable[[list[str]], None]
    required: Sequence[str] = ()
    takes_files: bool = False
    hint: str = "Flags look like --name=value."
    note: str = ""
    stopped: str = "Stopped."

    def main(self, arguments: Sequence[str]) -> int:
        """Runs the verb with the arguments of the command line. Returns the exit status; a signal
        ends the process instead.
        """
        with lasting_streams() as streams, interrupts(self.stopped) as received:
            try:
                status = self._status(arguments)
            except BaseException as error:
                # An import, or native code, that a signal interrupted may raise anything.
                if received.number is None and not isinstance(error, KeyboardInterrupt):
                    raise
                received.end(received.number or signal.SIGINT)
            lost = streams.error()
            if lost and not status:
                print(f"Error: not all could be printed: {lost.strerror}.", file=sys.stderr)
                return 1
            return status

    def _status(self, arguments: Sequence[str]) -> int:
        try:
            if any(argument in _HELP for argument in arguments):
                print(self.help())
                return 0
            self.run(self._parse(arguments))
        except UsageError as error:
            print(f"Error: {error} See {self._command()} --help.", file=sys.stderr)
            return 2
        except EXPECTED as error:
            print(f"Error: {error}", file=sys.stderr)
            return 1
        return 0

    def _parse(self, arguments: Sequence[str]) -> list[str]:
        # Flags may stand behind other arguments too.
        self.flag_values.set_gnu_getopt()
        arguments = [_home(argument) for argument in arguments]
        try:
            rest = self.flag_values([self.name, *arguments])[1:]
        except flags.UnrecognizedFlagError as error:
            close = difflib.get_close_matches(error.flagname, list(self.flag_values), n=1)
            meant = f" Did you mean --{close[0]}?" if close else ""
            raise UsageError(f"Unknown flag --{error.flagname}.{meant}") from None
        except flags.IllegalFlagValueError as error:
            raise UsageError(self._wrong_value(str(error))) from None
        except flags.Error as error:
            raise UsageError(f"{error}.") from None
        if rest and not self.takes_files:
            raise UsageError(f"Unexpected arguments: {' '.join(rest)}. {self.hint}")
        missing = [f"--{name}" for name in self.required if self.flag_values[name].value is None]
        if missing:
            raise UsageError(f"{self.name} needs {' and '.join(missing)}.")
        return rest

    def _wrong_value(self, message: str) -> str:
        found = re.match(r"flag --(\w+)=(.*?): ", message, re.S)
        if not found:
            return f"{message}."
        # absl has no words for what a bool has to be.
        expected = self.flag_values[found[1]].parser.syntactic_help or "true or false"
        return f"--{found[1]}={found[2]}: expected {expected}."

    def help(self) -> str:
        """What --help prints: an example, the flags that matter first, then all others."""
        width = min(_WIDEST, shutil.get_terminal_size().columns)
        shown = {name for names in self.first.values() for name in names}
        others = sorted(set(self.flag_values) - shown)
        groups = {**self.first, **({"All other flags": others} if others else {})}
        parts = [f"{self.summary}.", f"  {self._command()} {self.example}".rstrip()]
        parts += [textwrap.fill(self.note, width)] if self.note else []
        parts += [
            "\n".join([f"{title}:", *(self._explained(name, width) for name in names)])
            for title, names in groups.items()
        ]
        return "\n\n".join(parts)

    def _explained(self, name: str, width: int) -> str:
        flag = self.flag_values[name]
        text = " ".join(flag.help.split())
        if name in self.required:
            text = f"{text} Required."
        elif flag.default not in (None, "", [], False):
            text = f"{text} Default: {flag.default}."
        head = f"  --{name}".ljust(_COLUMN)
        return textwrap.fill(
            text,
            width,
            initial_indent=head,
            subsequent_indent=" " * _COLUMN,
            break_on_hyphens=False,
        )

    def _command(self) -> str:
        program = pathlib.Path(sys.argv[0]).name
        return f"python {program}" if program == f"{self.name}.py" else f"tf-ssae {self.name}"


def _home(argument: str) -> str:
    """An argument with the home folder in place of `~`, which shells leave alone in `--flag=~/x`
    and in quotes.
    """
    name, equals, value = argument.partition("=")
    if equals and name.startswith("-"):
        return f"{name}={os.path.expanduser(value)}"
    return os.path.expanduser(argument)


def listed(verbs: Iterable[Verb]) -> str:
    """What `tf-ssae` prints: the verbs, one per line."""
    lines = [f"  {verb.name.ljust(10)}{verb.summary}." for verb in verbs]
    return "\n".join(
        [
            "tf-ssae finds anomalous images after learning from normal ones.",
            "",
            *lines,
            "",
            "tf-ssae COMMAND --help lists its flags.",
        ]
    )
