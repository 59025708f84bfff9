"""Oldest: the package with the oldest release of every requirement that setup.cfg allows, in a
virtual environment of its own; there it trains, scores and exports, and runs the tests.

    pip install uv
    python tests/campaigns/oldest.py --work=/tmp/oldest
    python tests/campaigns/oldest.py --work=/tmp/newest --resolution=highest

Of what the requirements themselves require, uv takes the newest that they allow. TensorFlow is a
large download.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = "runs/digits-anomaly-0-ssae-seed-0"


def main():
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--work", type=pathlib.Path, required=True, help="A new folder.")
    flags.add_argument(
        "--resolution", default="lowest-direct", choices=["lowest-direct", "highest"]
    )
    flags.add_argument("tests", nargs="*", default=["tests"], help="Those to run; default: all.")
    given = flags.parse_args()
    uv = shutil.which("uv", path=pathlib.Path(sys.executable).parent) or shutil.which("uv")
    if uv is None:
        sys.exit(
            "Error: uv, which resolves requirements to their oldest, is not there: pip install uv."
        )
    given.work.mkdir(parents=True)
    work = given.work.resolve()
    python = str(work / "environment" / "bin" / "python")

    def run(*command, where=ROOT):
        print("$", *command, flush=True)
        subprocess.run(command, cwd=where, check=True)

    run(sys.executable, "-m", "venv", str(work / "environment"))
    run(
        uv, "pip", "install", "--quiet", "--python", python,
        f"--resolution={given.resolution}", "-e", ".[dev]",
    )  # fmt: skip
    run(uv, "pip", "list", "--python", python)
    try:
        run(python, str(ROOT / "train.py"), where=work)
        shown = work / "images" / "1.png"
        write_image(shown)
        score = [f"--model_dir={RUN}", f"--images={shown.parent}", "--output=scores.csv"]
        run(python, str(ROOT / "score.py"), *score, where=work)
        run(
            python, str(ROOT / "export.py"), f"--model_dir={RUN}", "--export_dir=exported",
            where=work,
        )  # fmt: skip
        run(python, "-m", "pytest", *given.tests)
    except subprocess.CalledProcessError as error:
        sys.exit(f"Error: {error}")
    print(json.dumps({"resolution": given.resolution, "tests": given.tests, "passed": True}))


def write_image(path):
    """An image of the digits' size."""
    from PIL import Image

    path.parent.mkdir()
    Image.linear_gradient("L").resize((8, 8)).save(path)


if __name__ == "__main__":
    main()
