"""Figure 5.4: mean average precision over configurations of MNIST by lambda_E and w_rec, of `a_rec`
and of `a_cls`.

    python -m thesis.run --grid=figure_5_4
    python -m thesis.figures.figure_5_4 --scale=full

Drawing takes 2 seconds. AE and Rotation, trained alone, are dashed; Rotation has a lambda_E too.
The values on the axes are those of `grids`: the thesis' own could not be read. All points rest on
the same configurations, those with every setting drawn.
"""

import numpy as np
from matplotlib.figure import Figure

from thesis.figures import drawing
from thesis.grids import LAMBDA_E, W_REC
from thesis.results import Results

_COLOURS = dict(zip(LAMBDA_E, ("#332288", "#44aa99", "#ddaa33", "#cc3311")))


def draw(stored: Results) -> dict[str, Figure]:
    """Raises ValueError if no configuration has a result for all settings that have any."""
    values = stored.scores.pivot(
        index="anomaly", columns=["detector", "settings", "score"], values="average_precision"
    )
    whole = values.dropna()
    if whole.empty:
        first = stored.grid.runs[0].anomaly
        raise drawing.nothing(stored, "No configuration has all settings", anomaly=first)
    means = whole.mean().to_dict()

    def mean(detector: str, score: str, **setting: float) -> float:
        return means.get((detector, tuple(setting.items()), score), np.nan)

    figure = drawing.new(10, 4.2)
    left, right = figure.subplots(1, 2, sharey=True)
    left.axhline(mean("autoencoder", "a_rec"), color="0.2", linestyle="--", label="AE")
    for lambda_e, colour in _COLOURS.items():
        label = f"$\\lambda_E$ = {lambda_e:g}"
        for axes, score in ((left, "a_rec"), (right, "a_cls")):
            curve = [mean("ssae", score, lambda_e=lambda_e, w_rec=w_rec) for w_rec in W_REC]
            if np.isfinite(curve).any():
                axes.plot(W_REC, curve, "o-", color=colour, label=f"OURS, {label}")
        alone = mean("rotation", "a_cls", lambda_e=lambda_e)
        if np.isfinite(alone):
            right.axhline(alone, color=colour, linestyle="--", label=f"Rotation, {label}")
    for axes, score in ((left, "rec"), (right, "cls")):
        axes.set(xscale="log", xlim=(W_REC[0] / 1.5, W_REC[-1] * 1.5))
        axes.set(xlabel="$w_{rec}$, with $w_{cls}$ = 1", title=f"$\\mathcal{{A}}_{{{score}}}$")
        axes.axhline(stored.share("mnist"), color="0.6", linestyle=":", label="chance")
        axes.grid(color="0.92")
        below = dict(loc="upper center", bbox_to_anchor=(0.5, -0.18))
        axes.legend(fontsize=8, ncols=3, frameon=False, **below)
    left.set_ylabel("mean average precision")
    settings = {(run.detector, run.settings) for run in stored.grid.runs}
    absent = len(settings - {(detector, setting) for detector, setting, _ in means})
    incomplete = [str(k) for k in values.index if k not in whole.index]
    drawing.title(
        figure,
        f"Figure 5.4: $\\lambda_E$ and $w_{{rec}}$, MNIST, mean over {len(whole)} of 10"
        " configurations",
        drawing.scale(stored),
        f"Configuration{'s' * (len(whole) > 1)} {', '.join(map(str, whole.index))}, one seed.",
        f"Left out, since settings are missing: {', '.join(incomplete)}." if incomplete else "",
        f"No result of {absent} of the {len(settings)} settings." if absent else "",
    )
    return {"figure_5_4": figure}


if __name__ == "__main__":
    drawing.main(draw, __doc__, ("figure_5_4",))
