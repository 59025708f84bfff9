"""The rules of the house that no import shows: see CONTRIBUTING.md."""

import re

from conftest import ROOT

from tf_ssae.detectors import registry

PACKAGE = ROOT / "tf_ssae"


def spells(path, names):
    return re.search(rf"\b({'|'.join(names)})\b", path.read_text())


def test_scores_are_named_by_their_formulas_and_their_detectors_alone():
    names = {name for detector in registry.names() for name in registry.find(detector).score_names}
    assert {"a_rec", "a_cls", "a_ws", "a_max"} <= names
    homes = {PACKAGE / "ops" / "scores.py", *(PACKAGE / "detectors").glob("*.py")}
    elsewhere = [path for path in PACKAGE.rglob("*.py") if path not in homes]
    assert elsewhere
    assert [str(path) for path in elsewhere if spells(path, names)] == []


def test_the_top_of_the_package_holds_the_settings_alone():
    assert {path.name for path in PACKAGE.glob("*.py")} == {
        "__init__.py",
        "_version.py",
        "config.py",
    }


def test_graphs_are_made_in_one_way():
    """See ops/graph.py: elsewhere AutoGraph would rewrite the sources of all that is called."""
    home = PACKAGE / "ops" / "graph.py"
    elsewhere = [path for path in PACKAGE.rglob("*.py") if path != home]
    assert [str(path) for path in elsewhere if "tf.function" in path.read_text()] == []
    mapped = [
        call
        for path in elsewhere
        for call in re.findall(r"\.(?:flat_)?map\((\w+)", path.read_text())
        if call != "as_written"
    ]
    assert mapped == []
