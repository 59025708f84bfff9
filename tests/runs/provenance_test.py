"""Where a result comes from, in words that make it again."""

import re
import subprocess

import pytest

from tf_ssae.runs import provenance


@pytest.mark.parametrize(
    "arguments, command",
    [
        (["train.py", "--dataset=folder", "--data_dir=my parts"],
         "python train.py --dataset=folder '--data_dir=my parts'"),
        (["/opt/venv/bin/tf-ssae", "train", "--seed=1"], "tf-ssae train --seed=1"),
    ],
)  # fmt: skip
def test_the_command_can_be_typed_again(arguments, command, monkeypatch):
    monkeypatch.setattr("sys.argv", arguments)
    assert provenance.environment()["command"] == command


def test_the_revision_is_that_of_the_checkout_that_holds_the_package(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        subprocess.run(
            ["git", *identity, *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            timeout=60,
        )

    def revision():
        return provenance.environment()["git_revision"]

    package = tmp_path / "provenance.py"
    package.touch()
    monkeypatch.setattr(provenance, "__file__", str(package))
    assert revision() is None
    git("init")
    git("commit", "--allow-empty", "-m", "Another project")
    assert revision() is None
    git("add", ".")
    git("commit", "-m", "This one")
    found = revision()
    assert re.fullmatch("[0-9a-f]{40}", found)
    package.write_text("changed")
    assert revision() == f"{found}-dirty"
