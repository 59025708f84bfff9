"""Claims on runs, in a folder that several workers share, on one machine or many. Each run has one
holder at a time.

A claim is a file `NAME.claim.N`; the one with the highest N counts. Its holder touches it while it
works. A claim that was not touched for `expiry` seconds, or whose process on this very machine is
dead, is stale, and taken over by making `NAME.claim.N+1`. A file is linked into place, which
succeeds for one worker only; since claims are not removed or renamed before the run is finished, a
worker that looked some time ago cannot take away what another has got since.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import uuid


class ClaimLost(RuntimeError):
    """Another worker has taken the run over: this one looked dead for too long."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """A run that this process holds."""

    claims: "Claims"
    name: str
    number: int

    @property
    def path(self):
        return self.claims.folder / f"{self.name}.claim.{self.number}"

    def keep(self):
        """Says that its holder lives. Raises ClaimLost if another worker holds it now, or has
        finished it.
        """
        lost = ClaimLost(
            f"{self.name} was taken over by another worker, to which this one looked dead."
        )
        if self.claims.latest(self.name) != self:
            raise lost
        try:
            os.utime(self.path)
        except FileNotFoundError:
            raise lost from None

    def give_up(self):
        """Lets any worker take the run over at once."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.path, (0, 0))

    def finish(self):
        """Removes all claims on a run whose result is stored. Whoever claims it after that finds
        the result.
        """
        for path in self.claims.folder.glob(f"{self.name}.claim.*"):
            path.unlink(missing_ok=True)


class Claims:
    """The claims in a folder, which is made if need be.

    Args:
        expiry: seconds after which a claim that was not touched is stale.
    """

    def __init__(self, folder, expiry):
        self.folder, self.expiry = pathlib.Path(folder), expiry
        self.folder.mkdir(parents=True, exist_ok=True)

    def take(self, name):
        """A Claim on the run `name`, or None if another worker holds it.

        The caller must look for a stored result again after it got the claim.
        """
        new, now = self._new_file()
        try:
            held = self.latest(name)
            if held and not self._is_stale(held, now):
                return None
            claim = Claim(self, name, held.number + 1 if held else 0)
            os.link(new, claim.path)
            return claim
        except FileExistsError:
            return None
        finally:
            new.unlink()

    def latest(self, name):
        """The Claim that counts, whoever holds it; None if there is none."""
        numbers = [
            int(path.name.rpartition(".")[2]) for path in self.folder.glob(f"{name}.claim.*")
        ]
        return Claim(self, name, max(numbers)) if numbers else None

    def live(self):
        """How many runs are held by workers that live."""
        names = {path.name.rpartition(".claim.")[0] for path in self.folder.glob("*.claim.*")}
        new, now = self._new_file()
        new.unlink()
        held = [claim for claim in map(self.latest, names) if claim]
        return sum(not self._is_stale(claim, now) for claim in held)

    def _new_file(self):
        """A file that names this process, and its time: the shared file system's, since machines'
        clocks differ.
        """
        new = self.folder / f".{uuid.uuid4().hex}"
        new.write_text(
            json.dumps({"host": _host(), "pid": os.getpid(), "started": _started(os.getpid())})
        )
        return new, new.stat().st_mtime

    def _is_stale(self, claim, now):
        try:
            if now - claim.path.stat().st_mtime > self.expiry:
                return True
            holder = json.loads(claim.path.read_text())
        except FileNotFoundError:
            # Its run was finished this moment.
            return False
        return holder["host"] == _host() and _started(holder["pid"]) != holder["started"]


def _host():
    """Names the machine, since when it is up, and the space that its process numbers are of:
    containers share names.
    """
    try:
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()} {boot} {os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return uuid.uuid4().hex


def _started(pid):
    """When the process began, in the kernel's ticks: a number may be used again. None if there is
    no such process.
    """
    try:
        # The second field is the program's name, in brackets, and may hold anything.
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])
