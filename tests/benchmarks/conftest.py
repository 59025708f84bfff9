import pathlib
import sys

# Programs, not a package: run as `python benchmarks/NAME.py`, they find each other in their own folder.
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))
