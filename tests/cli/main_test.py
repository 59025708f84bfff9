"""The console command, in processes of its own: what it lists, explains and refuses."""

import configparser
import dataclasses
import importlib.metadata
import signal
import subprocess
import time

import pytest
from conftest import DIGITS_EPOCHS, QUICK_FLAGS, ROOT, run_python, train_command

from tf_ssae.cli.main import VERBS, main
from tf_ssae.config import Config
from tf_ssae.detectors.registry import preset
from tf_ssae.runs import run_folder


def tf_ssae(*arguments, **options):
    """Runs `tf-ssae` to its end: a CompletedProcess with text."""
    return run_python("-m", "tf_ssae.cli.main", *arguments, cwd=ROOT, **options)


def test_alone_it_lists_its_verbs():
    done = tf_ssae()
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    for verb in ("train", "score", "export", "serve", "ask", "doctor", "demo", "check"):
        assert sum(line.split()[:1] == [verb] for line in lines) == 1, verb
    assert tf_ssae("--help").stdout == done.stdout


def test_an_unknown_verb_is_refused_and_the_verbs_are_listed():
    done = tf_ssae("scoer", "--images=photos")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("Error: tf-ssae has no command scoer. Did you mean score?\n")
    assert tf_ssae().stdout in done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_what_matters_first_and_then_all(verb):
    done = tf_ssae(verb, "--help")
    assert done.returncode == 0 and done.stderr == ""
    shown = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  --")]
    first = [f"--{name}" for names in VERBS[verb].first.values() for name in names]
    assert shown[: len(first)] == first and len(first) <= 10
    assert sorted(shown) == sorted(f"--{name}" for name in VERBS[verb].flag_values)
    if verb == "train":
        assert {f"--{field.name}" for field in dataclasses.fields(Config)} < set(shown)


def test_the_programs_at_the_top_are_the_verbs():
    for verb in ("train", "score", "export"):
        done = run_python(f"{verb}.py", "--help", cwd=ROOT)
        expected = tf_ssae(verb, "--help").stdout.replace(f"tf-ssae {verb}", f"python {verb}.py")
        assert done.returncode == 0 and done.stdout == expected


def test_help_and_mistakes_are_answered_without_tensorflow():
    program = """
import os, sys
from tf_ssae.cli.main import VERBS, main

def answered(command, status):
    # absl keeps the flags of an earlier call, so each has a process of its own.
    child = os.fork()
    if not child:
        answer = main(command.split())
        sys.stdout.flush()
        heavy = {"tensorflow", "keras", "numpy", "PIL"} & set(sys.modules)
        os._exit(0 if answer == status and not heavy else 1)
    assert os.waitpid(child, 0)[1] == 0, command

for verb in VERBS:
    answered(f"{verb} --help", 0)
answered("train --epochs=0", 2)
for wrong in (
    "train --plugin=/nowhere.py",
    "train --detector=nope",
    "train --dataset=folder",
    "train --dataset=folder --data_dir=/nowhere",
    "train --dataset=folder --data_dir=docs --defects=/nowhere",
    "train --dataset=mnist --data_dir=/nowhere",
    "train --model_dir=tests",
    "check --data_dir=tests",
    "score --model_dir=results/readme/digits --images=docs --output=new.csv",
    "score --model_dir=/nowhere --images=docs --output=new.csv",
    "score --model_dir=setup.cfg --images=docs --output=new.txt",
    "score --model_dir=setup.cfg --images=docs --output=setup.cfg.csv",
    "export --model_dir=results/readme/digits --export_dir=new",
    "export --model_dir=results/readme/digits --export_dir=new --openvino",
    "serve --model_dir=/nowhere",
    "doctor nowhere.tflite",
):
    answered(wrong, 1)
"""
    done = run_python("-c", program, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command, message",
    [
        ("train --epoch=3", "Unknown flag --epoch. Did you mean --epochs?"),
        ("train cifar10 --epochs=3",
         "Unexpected arguments: cifar10. Flags look like --name=value."),
        ("train --epochs=three", "--epochs=three: expected an integer."),
        ("train --alpha=half", "--alpha=half: expected a number."),
        ("train --jit_compile=maybe", "--jit_compile=maybe: expected true or false."),
        ("train --epochs=0", "epochs=0: expected more than 0."),
        ("train --dataset=imagenet",
         "dataset='imagenet': expected one of digits, mnist, fashion_mnist, cifar10, folder."),
        ("train --epochs", "Missing value for flag --epochs."),
        ("score --images a.png b.png",
         "Unexpected arguments: b.png. Quote a pattern: --images='parts/*.png'."),
        ("score --images=photos", "score needs --model_dir and --output."),
        ("export --model_dir=run --export_dir=out --version=0",
         "--version=0: expected a positive integer."),
        ("ask --model=parts part.png", "ask needs image files, and either --rest or --grpc."),
        ("ask --model=parts --rest=a --grpc=b part.png",
         "ask needs image files, and either --rest or --grpc."),
        ("doctor", "doctor needs one .tflite file."),
        ("check", "check needs --data_dir."),
        ("demo --dataset=mnist", "Unknown flag --dataset."),
    ],
)  # fmt: skip
def test_wrong_flags_are_one_sentence_and_status_2(command, message):
    done = tf_ssae(*command.split())
    verb = command.split()[0]
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == f"Error: {message} See tf-ssae {verb} --help.\n"


def test_what_cannot_be_done_is_one_sentence_and_status_1(tmp_path):
    model_dir = tmp_path / "run"
    flags = ["--dataset=cifar10", "--data_dir=/nowhere", f"--model_dir={model_dir}"]
    done = tf_ssae("train", *flags)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("Error: No prepared data set cifar10 in --data_dir=/nowhere")
    assert done.stderr.count("\n") == 1 and not list(tmp_path.iterdir())


def test_ctrl_c_is_one_sentence_and_status_130(tmp_path):
    process = subprocess.Popen(
        train_command(*QUICK_FLAGS, "--epochs=1000", f"--model_dir={tmp_path / 'run'}"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the suite in the background has its processes ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    checkpoint = tmp_path / "run.partial" / "checkpoints" / "checkpoint"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert checkpoint.exists()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 130
    assert stderr == "\nStopped. Run the same command to resume from the last finished epoch.\n"


def test_the_demo_is_the_first_run_of_the_readme(digits_run):
    """It finds that run, whose settings are its own but for what the suite shortens."""
    done = tf_ssae("demo", f"--model_dir={digits_run[0]}")
    assert done.returncode == 1
    assert f"Error: {digits_run[0]} already holds this run, finished" in done.stderr
    found, own = run_folder.read_config(digits_run[0]).to_dict(), preset("digits").to_dict()
    assert found == {**own, "epochs": DIGITS_EPOCHS}


def test_the_console_command_is_this_one():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    name, value = config["options.entry_points"]["console_scripts"].strip().split(" = ")
    assert name == "tf-ssae"
    assert importlib.metadata.EntryPoint(name, value, "console_scripts").load() is main
