import pytest
from conftest import ROOT

from tf_ssae.experiments import readme

README = (ROOT / "README.md").read_text()


def test_the_readme_holds_what_the_stored_results_say(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert readme.replaced(README, readme.section("results")) == README


def test_it_says_all_of_a_scale(one_seed):
    text = readme.section(one_seed.root)
    assert "### Table 5.1, all normals, full length (full scale)" in text
    assert "118 runs (seed 0), 1 h 58 min summed over them" in text and "revision 0123456, TensorFlow 2.21.0" in text
    assert "`python -m tf_ssae.experiments.run --grid=table_5_1 --seed=0` trains those that are not there" in text
    assert "smaller scale" not in text
    assert "| OURS A<sub>ws</sub> | " in text and "Incomplete: 118 of the grid's 360 runs" in text
    assert "* `ganomaly`, GANomaly (MNIST, Fashion-MNIST, CIFAR-10): epochs 5" in text
    assert "A<sub>ws</sub> (MNIST, Fashion-MNIST, CIFAR-10): epochs 5, batch_size 64, learning_rate 0.0001" in text
    assert "* MNIST, OURS A<sub>ws</sub>: " in text and "JPEG" in text


def test_without_results_it_says_so(tmp_path):
    assert readme.section(tmp_path) == ("Nothing has been run yet: `python -m tf_ssae.experiments.run --grid=table_5_1`.")


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ValueError, match="It has no line '<!-- written by"):
        readme.replaced("# A README", "text")
