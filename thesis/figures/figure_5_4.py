"""Figure 5.4: mean average precision over configurations of MNIST by lambda_E and w_rec, of `a_rec`
and of `a_cls`.

    python -m thesis.run --grid=figure_5_4
    python -m thesis.figures.figure_5_4 --scale=full

Drawing takes 2 seconds. AE and Rotation, trained alone, are dashed; Rotation has a lambda_E too.
The values on the axes are those of `grids`: the thesis' own could not be read. All points rest on
the same configurations, those with every setting drawn.
"""

import numpy as np
from absl import app

from thesis import results
from thesis.figures import drawing
from thesis.grids import LAMBDA_E, W_REC

_COLOURS = dict(zip(LAMBDA_E, ("#332288", "#44aa99", "#ddaa33", "#cc3311")))


def draw(stored):
    """Raises ValueError if no configuration has all the settings of which there is a result."""
    settings = list(dict.fromkeys((run.detector, run.settings) for run in stored.grid.runs))
    found = {
        key: {run.anomaly: run for run in stored.of_detector(key[0], **dict(key[1]))}
        for key in settings
    }
    whole = sorted(
        set.intersection(*(set(runs) for runs in found.values() if runs))
        if any(found.values())
        else []
    )
    if not whole:
        raise ValueError(
            f"No configuration has all settings in {stored.folder}. To train one: "
            f"{results.run_command(stored.grid.name, stored.scale, anomaly=stored.grid.runs[0].anomaly)}"
        )

    def mean(detector, score, **setting):
        runs = found[detector, tuple(setting.items())]
        return (
            float(np.mean([runs[k].metric(score, "average_precision") for k in whole]))
            if runs
            else np.nan
        )

    figure = drawing.new(10, 4.2)
    left, right = figure.subplots(1, 2, sharey=True)
    left.axhline(mean("autoencoder", "a_rec"), color="0.2", linestyle="--", label="AE")
    for lambda_e, colour in _COLOURS.items():
        for axes, score in ((left, "a_rec"), (right, "a_cls")):
            values = [mean("ssae", score, lambda_e=lambda_e, w_rec=w_rec) for w_rec in W_REC]
            if np.isfinite(values).any():
                axes.plot(
                    W_REC, values, "o-", color=colour, label=f"OURS, $\\lambda_E$ = {lambda_e:g}"
                )
        alone = mean("rotation", "a_cls", lambda_e=lambda_e)
        if np.isfinite(alone):
            right.axhline(
                alone, color=colour, linestyle="--", label=f"Rotation, $\\lambda_E$ = {lambda_e:g}"
            )
    for axes, score in ((left, "rec"), (right, "cls")):
        axes.set(
            xscale="log",
            xlim=(W_REC[0] / 1.5, W_REC[-1] * 1.5),
            xlabel="$w_{rec}$, with $w_{cls}$ = 1",
            title=f"$\\mathcal{{A}}_{{{score}}}$",
        )
        axes.axhline(stored.share("mnist"), color="0.6", linestyle=":", label="chance")
        axes.grid(color="0.92")
    left.set_ylabel("mean average precision")
    left.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3, frameon=False)
    right.legend(
        fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3, frameon=False
    )
    absent = sum(not runs for runs in found.values())
    incomplete = sorted({k for runs in found.values() for k in runs} - set(whole))
    drawing.title(
        figure,
        f"Figure 5.4: $\\lambda_E$ and $w_{{rec}}$, MNIST, mean over {len(whole)} of 10"
        " configurations",
        [
            drawing.scale(stored),
            f"Configuration{'s' * (len(whole) > 1)} {', '.join(map(str, whole))}, one seed.",
            (
                f"Left out, since settings are missing: {', '.join(map(str, incomplete))}."
                if incomplete
                else ""
            ),
            f"No result of {absent} of the {len(settings)} settings." if absent else "",
        ],
    )
    return {"figure_5_4": figure}


if __name__ == "__main__":
    drawing.define_flags(("figure_5_4",))
    app.run(lambda argv: drawing.main(draw))
