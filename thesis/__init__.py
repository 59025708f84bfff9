"""Chapter V of the thesis: grids of runs, and the table and figures drawn from what they stored.

    python -m thesis.run --grid=table_5_1              # train; stop it and start it
    again as you like python -m thesis.table --scale=full                # ours beside
    the thesis' numbers python -m thesis.figures.figure_5_1 --scale=full   # and the
    other figures

`run` trains. Everything else reads `results/GRID/SCALE/*.json` and needs no TensorFlow.
"""
