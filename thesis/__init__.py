"""Chapter V of the thesis: grids of runs, and the table and figures drawn from what they stored.

    python -m thesis.run --grid=table_5_1                 # train; stop and start it as you like
    python -m thesis.table --scale=full                   # ours beside the thesis' numbers
    python -m thesis.significance --scale=full            # who is better than whom
    python -m thesis.figures.figure_5_1 --scale=full      # and figures 1_1, 5_2, 5_3, 5_4 and 5_5
    python -m thesis.results_page                         # all of it: docs/results.md

`run` trains. Everything else reads `results/GRID/SCALE/*.json` and needs no TensorFlow. It is not a
part of the installed package: work in a checkout, with `pip install -e '.[thesis]'`.
"""
