"""A Report to one self-contained HTML page: `page.html`, filled in by Jinja2, which escapes every
text. The page needs no script and no network: images are data URIs, charts inline SVG.
"""

import dataclasses
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import jinja2
import numpy as np
from sklearn.metrics import roc_auc_score

from tf_ssae.report import axes, charts, png
from tf_ssae.report.content import HELD_OUT, Photo, Report
from tf_ssae.report.contour import contour
from tf_ssae.report.judgement import in_words, judge
from tf_ssae.system.files import replacing
from tf_ssae.system.text import printable

# Bytes of pictures in one page, so that it opens at once and can be sent by mail.
_LARGEST = 3_000_000
# Anomalies shown before a reader asks for all.
_FOLDED_AFTER = 48
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
    anomalies, misses = _drawn(report)
    return ENVIRONMENT.get_template("page.html").render(
        report=report,
        judgement=judge(report),
        anomalies=anomalies,
        misses=misses,
        drift=_drift(report),
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


@dataclasses.dataclass(frozen=True)
class _Drawn:
    """A Photo with what the page shows of it: the picture as a URI, empty where it is only listed;
    the contour of its map; and its places among the anomalies by score, name and kind.
    """

    photo: Photo
    picture: str
    contour: str
    order: tuple[int, int, int]


def _drawn(report: Report) -> tuple[list[_Drawn], list[_Drawn]]:
    """The anomalies and the misses, pictured as long as the page stays small."""
    left, result = _LARGEST, []
    for photos in (report.anomalies, report.misses):
        by_name = _places([photo.name for photo in photos])
        by_kind = _places([photo.kind for photo in photos])
        drawn = []
        for i, photo in enumerate(photos):
            picture = contour_of = ""
            if photo.picture is not None and left > 0:
                picture = png.data_uri(photo.picture)
                if photo.anomaly_map is not None:
                    contour_of = contour(photo.anomaly_map)
                left -= len(picture) + len(contour_of)
            drawn.append(_Drawn(photo, picture, contour_of, (i, by_name[i], by_kind[i])))
        result.append(drawn)
    return result[0], result[1]


def _places(texts: Sequence[str]) -> list[int]:
    """The place of each text when they are sorted; equal ones stay in order."""
    return np.argsort(np.argsort(np.array(texts, object), kind="stable")).tolist()


def _drift(report: Report) -> tuple[str, charts.Chart | None] | None:
    if report.drift is None:
        return None
    sentence, new, held_out = report.drift
    groups = {
        (
            f"held-out normal images below it ({len(held_out):,})",
            "calibration",
        ): held_out,
        (f"these images below it ({len(new):,})", "scored"): new,
    }
    threshold = report.thresholds[report.decision_score]
    return sentence, charts.histogram(groups, threshold, "Histograms that differ")


def _times(value: float, threshold: float) -> str:
    """A score beside its threshold, in words."""
    if threshold > 0:
        return f"{value / threshold:.2g} times the threshold"
    return f"{abs(value - threshold):.2g} {'above' if value > threshold else 'below'} the threshold"


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


def _history(report: Report) -> Iterator[tuple[str, list[float], charts.Chart]]:
    """Yields name, last values and chart of each finite quantity measured per epoch, on training
    and held-out images in one chart.
    """
    names = dict.fromkeys(key for row in report.history for key in row if key != "epoch")
    beside = {HELD_OUT + name for name in names}
    for name in (name for name in names if name not in beside):
        curves = {"training images": _measured(report, name)}
        if HELD_OUT + name in names:
            curves["held-out images"] = _measured(report, HELD_OUT + name)
        curves = {legend: curve for legend, curve in curves.items() if len(curve[0])}
        if curves:
            last = [float(values[-1]) for _, values in curves.values()]
            yield name, last, charts.over_epochs(curves, f"{name} over the epochs")


def _measured(report: Report, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The epochs in which a quantity was finite, and its values, `[n]` each."""
    values = np.array([row.get(name, np.nan) for row in report.history], float)
    finite = np.isfinite(values)
    return np.array([row["epoch"] for row in report.history], float)[finite], values[finite]


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
    folded_after=_FOLDED_AFTER,
    in_words=in_words,
    times=_times,
    share=_share,
    error_overlay=png.error_overlay,
    error_scale=png.error_scale,
    grid_uri=png.grid_uri,
)
