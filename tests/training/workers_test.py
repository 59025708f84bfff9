import json

import pytest

from tf_ssae.training import workers

TWO = ["a:1", "b:1"]


def config(workers, task):
    return json.dumps({"cluster": {"worker": workers}, "task": task})


def test_tf_config_names_the_machines_and_this_one(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config(TWO, {"type": "worker", "index": 1}))
    assert workers.of_environment() == workers.Workers(("a:1", "b:1"), 1)
    assert not workers.writes("multi_worker") and workers.writes("mirrored")
    monkeypatch.setenv("TF_CONFIG", config(TWO, {"type": "worker", "index": 0}))
    assert workers.writes("multi_worker") and workers.writes(None)


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "it is not set"),
        ("{", "it is no JSON ("),
        ("[]", "it has no object 'cluster'"),
        ('{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}}', "its cluster names ps;"),
        (config([], {}), "its workers are [], no list of 'host:port'"),
        (config(["a"], {}), "its workers are ['a'], no list of 'host:port'"),
        (config(["a:1", "a:1"], {}), "its workers a:1, a:1 are not all different"),
        (config(TWO, None), "its task is None, none of type 'worker'"),
        (config(TWO, {"type": "chief", "index": 0}), "none of type 'worker'"),
        (config(TWO, {"type": "worker", "index": 2}), "its task has index 2, of 2 workers"),
        (config(TWO, {"type": "worker", "index": "0"}), "its task has index '0'"),
    ],
)
def test_another_tf_config_is_one_sentence(text, why, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError) as raised:
        workers.require("multi_worker")
    assert why in str(raised.value) and "Expected, on the first of two machines: {" in str(
        raised.value
    )
    workers.require("mirrored")


def test_the_example_is_one(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", workers.EXAMPLE)
    assert workers.of_environment().number == 0


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match="strategy='tpu': expected one of mirrored, multi_worker"):
        workers.require("tpu")
