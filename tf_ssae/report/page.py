"""A Report to one self-contained HTML page: `page.html`, filled in by Jinja2, which escapes every
text. The page needs no script and no network: images are data URIs, charts inline SVG.
"""

import os
import pathlib
from collections.abc import Iterator, Mapping

import jinja2
import numpy as np
from sklearn.metrics import roc_auc_score

from tf_ssae.report import axes, charts, png
from tf_ssae.report.content import Report
from tf_ssae.system.files import replacing
from tf_ssae.system.text import printable

# Curves in one chart; the style has as many colours.
_CURVES = 5
_LABELS = {
    "average_precision": "average precision",
    "average_precision_at_0.1": "average precision at 10% anomalies",
    "auroc": "AUROC",
    "pr_auc_trapezoid": "PR-AUC (trapezoid)",
    "pixel_auroc": "pixel AUROC",
    "aupro": "AUPRO",
}


def write(path: str | os.PathLike[str], report: Report) -> None:
    """Writes the page in one piece: a reader finds the old file or the new one, whole.

    Raises:
        OSError: the file cannot be written.
    """
    # A file name that is not UTF-8 reaches Python with lone surrogates, which no file can hold.
    page = render(report).encode("utf-8", "backslashreplace")
    with replacing(path) as temporary:
        temporary.write_bytes(page)


def render(report: Report) -> str:
    """The page of a Report, as one string."""
    cards = [card for *_, cards in report.galleries for card in cards]
    return ENVIRONMENT.get_template("page.html").render(
        report=report,
        decisions=_decisions(report),
        curves=_curves(report),
        histograms=list(_histograms(report)),
        history=list(_history(report)),
        explained=[
            part
            for part in ("error_map", "rotation_probabilities", "p_value")
            if any(getattr(card, part) is not None for card in cards)
        ],
    )


def _decisions(report: Report) -> Mapping[str, object]:
    """How many images are above and below the threshold; where the truth is known, `confusion`:
    such a pair of counts, `(below, above)`, per truth.
    """
    threshold = report.thresholds[report.decision_score]
    above = np.asarray(report.scores[report.decision_score]) > threshold
    held_out = np.asarray(report.held_out_scores.get(report.decision_score, ()))
    confusion = None
    if report.is_anomaly is not None:
        confusion = {
            truth: (int(np.sum(~above & chosen)), int(np.sum(above & chosen)))
            for truth, chosen in (("normal", ~report.is_anomaly), ("anomalous", report.is_anomaly))
        }
    return {
        "threshold": threshold,
        "held_out_above": np.mean(held_out > threshold) if held_out.size else None,
        "above": int(np.sum(above)),
        "below": int(np.sum(~above)),
        "confusion": confusion,
    }


def _curves(report: Report) -> list[tuple[str, charts.Chart]]:
    truth = report.is_anomaly
    if truth is None or truth.all() or not truth.any():
        return []
    others = set(report.scores) - {report.decision_score}
    best = sorted(others, key=lambda name: -roc_auc_score(truth, report.scores[name]))
    shown = {report.decision_score, *best[: _CURVES - 1]}
    arguments = (
        truth,
        report.decision_first({n: values for n, values in report.scores.items() if n in shown}),
        report.thresholds[report.decision_score],
    )
    return [
        ("Precision and recall", charts.precision_recall(*arguments)),
        ("Detections and false alarms (ROC)", charts.roc(*arguments)),
    ]


def _histograms(report: Report) -> Iterator[tuple[str, charts.Chart]]:
    for name, values in report.decision_first(report.scores).items():
        groups = {
            ("held-out normal images", "calibration"): report.held_out_scores.get(
                name, np.array([])
            )
        }
        if report.is_anomaly is None:
            groups[f"scored images ({len(values):,})", "scored"] = values
        else:
            normal, anomalous = values[~report.is_anomaly], values[report.is_anomaly]
            groups[f"normal test images ({len(normal):,})", "normal"] = normal
            groups[f"anomalous test images ({len(anomalous):,})", "anomalous"] = anomalous
        chart = charts.histogram(groups, report.thresholds.get(name), f"Histogram of {name}")
        if chart is not None:
            yield name, chart


def _history(report: Report) -> Iterator[tuple[str, float, charts.Chart]]:
    """Yields name, last value and chart of each finite quantity measured per epoch."""
    for name in dict.fromkeys(key for row in report.history for key in row if key != "epoch"):
        measured = [
            (row["epoch"], row[name])
            for row in report.history
            if np.isfinite(row.get(name, np.nan))
        ]
        if measured:
            epochs, values = zip(*measured)
            yield name, values[-1], charts.over_epochs(epochs, values, f"{name} over the epochs")


def _rate(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "unknown"


ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    # Charts are markup; names of files are text.
    finalize=lambda value: printable(value) if type(value) is str else value,
)
ENVIRONMENT.filters.update(
    count="{:,}".format,
    data_uri=png.data_uri,
    label=lambda metric: _LABELS.get(metric, metric),
    number=axes.number,
    printable=printable,
    rate=_rate,
)
ENVIRONMENT.globals.update(
    curves_of=_CURVES,
    share=_share,
    error_overlay=png.error_overlay,
    error_scale=png.error_scale,
    grid_uri=png.grid_uri,
)
