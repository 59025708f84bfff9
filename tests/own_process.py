"""Runs each file of tests in a process of its own, forked from one that has imported all files but
not used TensorFlow, and says which took the most memory and time.

A training leaves 50 to 100 MB in TensorFlow's runtime, which it does not give back. Plugins that
fork do so for every test, and so lose what the tests of a file share. Whoever debugs, with -s or
--pdb, has one process.
"""

import collections
import gc
import multiprocessing
import os
import resource
import signal
import sys
import traceback
import types
import warnings

import pytest
from _pytest.runner import runtestprotocol
from _pytest.warnings import catch_warnings_for_item


def pytest_configure(config):
    option = config.option
    if not (option.usepdb or option.trace or option.capture == "no"):
        config.pluginmanager.register(_Forks())


def pytest_sessionstart(session):
    # Made once, for all processes: each would else remove it, and make its own.
    session.config._tmp_path_factory.getbasetemp()


def pytest_collection(session):
    if tensorflow_runs():
        raise pytest.UsageError(f"conftest.py {_STARTS}")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """A file that makes a tensor as it is imported is an error of that file."""
    ran = tensorflow_runs()
    report = yield
    if tensorflow_runs() and not ran:
        report.outcome, report.longrepr = "failed", f"{collector.nodeid} {_STARTS}"
    return report


_STARTS = (
    "starts TensorFlow as it is imported. A process that is forked from one in which TensorFlow has"
    " threads waits for them for ever: make tensors, models and random generators in functions or"
    " fixtures."
)


def tensorflow_runs():
    """Whether this process has started TensorFlow's runtime. Asking TensorFlow would start it."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module and module._context
    return context is not None and context._context_handle is not None


# What ran in the processes that have ended, their largest memory in kB, and seconds of a core.
_ended: list[tuple[str, int, float]] = []
_SHOWN = 20


def _add(name, usage):
    _ended.append((name, usage.ru_maxrss, usage.ru_utime + usage.ru_stime))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    _add("imports", resource.getrusage(resource.RUSAGE_SELF))
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["ended"] = _ended


def pytest_testnodedown(node, error):
    _ended.extend(getattr(node, "workeroutput", {}).get("ended", []))


def pytest_terminal_summary(terminalreporter):
    name, kilobytes, _ = max(_ended, key=lambda one: one[1])
    seconds = collections.Counter()
    for one, _, taken in _ended:
        seconds[one] += taken
    times = ", ".join(f"{one} {taken:.0f} s" for one, taken in seconds.most_common(_SHOWN))
    for line in (
        f"Largest memory of a process: {kilobytes / 2**20:.1f} GB, of {name}.",
        f"Processor time: {seconds.total():.0f} s, of which {times}.",
    ):
        terminalreporter.write_line(line)


class _Forks:
    """Has tests run by children, one for the tests of a file that follow each other."""

    def __init__(self):
        self._child = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        if self._child is None:
            self._child = _Child(item)
        is_last = nextitem is None or nextitem.path != item.path
        answer = self._child.run(item, None if is_last else nextitem)
        if is_last or answer is None:
            status = self._end()
        if answer is None:
            reports = [_of_a_death(item, status)]
        else:
            restored = item.config.hook.pytest_report_from_serializable
            reports = [restored(config=item.config, data=data) for data in answer["reports"]]
            for message, category, file, line in answer["warnings"]:
                warnings.warn_explicit(message, category, file, line)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_sessionfinish(self):
        if self._child is not None:  # after a stop, as by -x or Ctrl-C
            self._end()

    def _end(self):
        child, self._child = self._child, None
        status, usage = child.end()
        _add(child.file, usage)
        return status


class _Child:
    """A forked process that runs the tests it is told to, until its end of the pipe is closed."""

    def __init__(self, item):
        self.file = item.location[0]
        self._items = item.session.items
        self._pipe, theirs = multiprocessing.Pipe()
        # The child's garbage collections need not look through all that was imported.
        gc.collect()
        gc.freeze()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Of threads: TensorFlow has none yet, and those of pytest-xdist are not needed.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:
            self._pipe.close()
            _serve(theirs, item.session)
        theirs.close()

    def run(self, item, nextitem):
        """`{"reports": of a test, serialised, "warnings": arguments of warn_explicit}`, or None if
        the process died. `nextitem`: the test of the same file that follows, or None.
        """
        try:
            self._pipe.send([self._items.index(one) if one else None for one in (item, nextitem)])
            return self._pipe.recv()
        except (EOFError, OSError):
            return None

    def end(self):
        """Waits until it has ended: its status, and what it and the programs it ran have used."""
        self._pipe.close()
        _, status, usage = os.wait4(self._pid, 0)
        return status, usage


def _serve(pipe, session):
    """In the child: runs tests, and never returns."""
    status = 1
    try:
        while (asked := _receive(pipe)) is not None:
            item, nextitem = (None if index is None else session.items[index] for index in asked)
            pipe.send(_run(item, nextitem))
        status = 0
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # of Ctrl-C, which the parent has had too
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            # What is left of a run that was stopped.
            session._setupstate.teardown_exact(None)
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        # What else is done at the end of a process is the parent's to do.
        os._exit(status)


def _receive(pipe):
    try:
        return pipe.recv()
    except EOFError:
        return None


def _run(item, nextitem):
    found = []
    record = types.SimpleNamespace(
        call_historic=lambda kwargs: found.append(kwargs["warning_message"])
    )
    hooks = types.SimpleNamespace(pytest_warning_recorded=record)
    with catch_warnings_for_item(item.config, hooks, "runtest", item):
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    serialized = item.config.hook.pytest_report_to_serializable
    return {
        "reports": [serialized(config=item.config, report=report) for report in reports],
        "warnings": [(str(w.message), w.category, w.filename, w.lineno) for w in found],
    }


def _of_a_death(item, status):
    """The report of a test in which the process died, with what it printed."""
    how = f"with status {os.waitstatus_to_exitcode(status)}"
    if os.WIFSIGNALED(status):
        how = f"by {signal.Signals(os.WTERMSIG(status)).name}"
    # The child wrote to the file that this process' output is kept in.
    printed = item.config.pluginmanager.getplugin("capturemanager").read_global_capture()
    names = ("Captured stdout", "Captured stderr")
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome="failed",
        longrepr=f"The process of {item.location[0]} ended {how} in this test.",
        when="call",
        sections=[(name, text) for name, text in zip(names, printed) if text],
    )
