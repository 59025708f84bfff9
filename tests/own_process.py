"""Runs each file of tests in a process of its own, forked from one that has imported TensorFlow but
not used it, and says which took the most memory and time.

A training leaves 50 to 100 MB in TensorFlow's runtime, which it does not give back. Plugins that
fork do so for every test, and so lose what the tests of a file share.
"""

import multiprocessing
import os
import sys
import traceback

import pytest
from _pytest.runner import runtestprotocol


def pytest_sessionstart(session):
    # Made once, for all processes: each would else remove it, and make its own.
    session.config._tmp_path_factory.getbasetemp()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    global _child
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    if _child is None:
        _child = _Child(item.session)
    is_last = nextitem is None or nextitem.path != item.path
    for report in _child.run(item, None if is_last else nextitem):
        item.ihook.pytest_runtest_logreport(report=report)
    if is_last or _child.is_dead:
        _child = None
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_sessionfinish(session):
    if _child is not None:
        _child.end()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["ended"] = _ended


def pytest_testnodedown(node, error):
    _ended.extend(getattr(node, "workeroutput", {}).get("ended", []))


def pytest_terminal_summary(terminalreporter):
    if not _ended:
        return
    name, kilobytes, _ = max(_ended, key=lambda one: one[1])
    largest = f"Largest memory of a process: {kilobytes / 2**20:.1f} GB, of {name}."
    slowest = sorted(_ended, key=lambda one: -one[2])[:_SHOWN]
    times = ", ".join(f"{name} {seconds:.0f} s" for name, _, seconds in slowest)
    total = sum(seconds for _, _, seconds in _ended)
    terminalreporter.write_line(largest)
    terminalreporter.write_line(f"Processor time: {total:.0f} s, of which {times}.")


class _Child:
    def __init__(self, session):
        self._items = session.items
        self._pipe, theirs = multiprocessing.Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            self._pipe.close()
            _serve(theirs, session)
        theirs.close()
        self.is_dead = False

    def run(self, item, nextitem):
        """The reports of a test; `nextitem`: that of the same file, None if it is the last."""
        self._pipe.send([nextitem and self._items.index(nextitem), self._items.index(item)])
        try:
            reports = self._pipe.recv()
        except EOFError:
            reports = None
        if reports is None or nextitem is None:
            status = self.end(item.path.name)
        if reports is None:
            return [_of_a_death(item, status)]
        restored = item.config.hook.pytest_report_from_serializable
        return [restored(config=item.config, data=data) for data in reports]

    def end(self, name=""):
        """Waits until it has ended; returns its status."""
        self._pipe.close()
        _, status, usage = os.wait4(self._pid, 0)
        # With the programs that its tests ran.
        _ended.append((name, usage.ru_maxrss, usage.ru_utime + usage.ru_stime))
        self.is_dead = True
        return status


# Of the processes that have ended: the file that they ran, largest memory in kB, seconds of a core.
_ended: list[tuple[str, int, float]] = []
_SHOWN = 20
_child: _Child | None = None


def _serve(pipe, session):
    """In the new process: runs tests until the last one of the file."""
    try:
        following = True
        while following is not None:
            try:
                following, index = pipe.recv()
            except EOFError:  # the run was stopped
                session._setupstate.teardown_exact(None)
                break
            nextitem = None if following is None else session.items[following]
            reports = runtestprotocol(session.items[index], log=False, nextitem=nextitem)
            serialized = session.config.hook.pytest_report_to_serializable
            pipe.send([serialized(config=session.config, report=r) for r in reports])
    except Exception:
        traceback.print_exc()
    finally:
        # What the forked process would do at its end is not this one's to do.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _of_a_death(item, status):
    how = f"by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "too early"
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome="failed",
        longrepr=f"The process of {item.path.name} ended {how} in this test.",
        when="call",
    )
