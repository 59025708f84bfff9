import sys

import pytest
from conftest import ROOT, run_python

from tf_ssae.cli import plugins


@pytest.fixture
def plugin(tmp_path):
    """A function that writes a plugin, from its text and its name."""

    def write(text, name="mine.py"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    yield write
    for name in [name for name in sys.modules if name.startswith("tf_ssae_plugin_")]:
        del sys.modules[name]


def test_files_are_imported_in_order_and_once_each(plugin, capsys):
    first = plugin("print('first', __name__)")
    second = plugin("print('second'); CLASS = type('CLASS', (), {})", "numpy.py")
    plugins.load([first, second])
    assert capsys.readouterr().out == "first tf_ssae_plugin_mine\nsecond\n"
    # Nobody's place was taken, and what it defines can be found again by Keras and pickle.
    assert "array" in dir(sys.modules["numpy"])
    made = sys.modules["tf_ssae_plugin_numpy"].CLASS
    assert made.__module__ == "tf_ssae_plugin_numpy"


def test_a_missing_file_is_named_before_any_is_imported(plugin, tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match=f"--plugin={tmp_path}/no.py: no such file"):
        plugins.load([plugin("print('imported')"), str(tmp_path / "no.py")])
    assert capsys.readouterr().out == ""


def test_what_is_not_a_python_file_is_refused(plugin):
    with pytest.raises(ValueError, match="mine.txt: expected a Python file"):
        plugins.load([plugin("", "mine.txt")])


@pytest.mark.parametrize(
    "text, message",
    [
        ("import tf_ssae\n\nregister('mine')\n", "line 3: NameError: name 'register' is not"),
        ("def f():\n    raise OSError('full')\n\nf()\n", "line 2: OSError: full"),
        ("class Mine(:\n", "line 1: invalid syntax"),
        ("import no_such_package\n", "line 1: ModuleNotFoundError: No module named"),
    ],
)
def test_one_that_fails_says_where_and_why(plugin, text, message):
    path = plugin(text)
    with pytest.raises(ValueError) as failed:
        plugins.load([path])
    assert str(failed.value).startswith(f"--plugin={path}: {message}")


@pytest.mark.parametrize("verb", ["train", "score", "export", "check"])
def test_a_verb_imports_it_before_anything_else(verb, plugin):
    flags = {
        "train": [],
        "score": ["--model_dir=no", "--images=no", "--output=no.csv"],
        "export": ["--model_dir=no", "--export_dir=no"],
        "check": ["--data_dir=no"],
    }
    ours = "sorted(n for n in sys.modules if n.startswith('tf_ssae.') and n != 'tf_ssae.cli.main')"
    text = f"import sys\nsys.exit(str({ours}))\n"
    done = run_python(
        "-m", "tf_ssae.cli.main", verb, *flags[verb], f"--plugin={plugin(text)}", cwd=ROOT
    )
    # What reads flags and looks at paths, and nothing that trains or scores.
    light = run_python("-c", f"import sys, tf_ssae.cli.main\nprint({ours})", cwd=ROOT).stdout
    assert done.stderr == light and "tf_ssae.config" in light, done.stderr
