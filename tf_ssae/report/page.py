"""A report as an HTML page. Every text that enters it goes through `_escape`."""

import html
import string

import numpy as np

from tf_ssae.report import charts, pictures
from tf_ssae.report.style import STYLE

_UNREADABLE_SHOWN, _UNREADABLE_OPEN = 100, 10
_PIXELATED_BELOW = 128
_LABELS = {
    "average_precision": "average precision",
    "average_precision_at_0.1": "average precision at 10% anomalies",
    "auroc": "AUROC",
    "pr_auc_trapezoid": "PR-AUC (trapezoid)",
    "pixel_auroc": "pixel AUROC",
    "aupro": "AUPRO",
}

_PAGE = string.Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
$body
</main>
</body>
</html>
""")

# Characters of a fact that stands in a column; a longer one takes the whole width.
_SHORT = 40


def render(report):
    """The page of a Report, as one string. Raises ValueError for an error map that is not of its
    image's size.
    """
    sections = (
        _facts(report),
        _warnings(report),
        _metrics(report),
        _decisions(report),
        _curves(report),
        _histograms(report),
        _rotation_accuracy(report),
        _pictures(report),
        _training(report),
        _unreadable(report),
        _settings(report),
    )
    return _PAGE.substitute(
        title=_escape(report.title), style=STYLE, body="\n".join(filter(None, sections))
    )


def _facts(report):
    facts = "".join(
        f"<div{' class=sentence' * (len(text) > _SHORT)}><dt>{_escape(label)}</dt><dd>{_escape(text)}</dd></div>"
        for label, text in report.facts
    )
    return facts and f'<dl class="facts">{facts}</dl>'


def _warnings(report):
    return "".join(
        f'<p class="warning" role="note">{_escape(sentence)}</p>' for sentence in report.warnings
    )


def _metrics(report):
    parts = ""
    if report.metrics:
        columns = list(
            dict.fromkeys(column for values in report.metrics.values() for column in values)
        )
        rows = [
            [
                _score_name(name, report),
                *(_rate(report.metrics[name].get(column)) for column in columns),
            ]
            for name in _decision_first(report.metrics, report)
        ]
        parts += _table(["score", *map(_label, columns)], rows)
    if report.pixel_metrics:
        parts += "<h3>Pixels</h3>" + _table(
            [_label(name) for name in report.pixel_metrics],
            [[_rate(value) for value in report.pixel_metrics.values()]],
        )
    return parts and _section("How well anomalies are told from normals", "", parts)


def _decisions(report):
    name = report.decision_score
    threshold = report.thresholds[name]
    called = np.asarray(report.scores[name]) > threshold
    explanation = (
        f"An image is called an anomaly if its <b>{_escape(name)}</b> is above"
        f" <b>{charts.number(threshold)}</b>."
    )
    if np.size(report.calibration.get(name, ())):
        share = np.mean(np.asarray(report.calibration[name]) > threshold)
        explanation += f" That holds for {share:.1%} of the held-out normals."
    if report.is_anomaly is None:
        body = _table(
            ["called", "images", "share"],
            [
                [_badge(decision), f"{group.sum():,}", _percent(group.sum(), group.size)]
                for decision, group in (("anomaly", called), ("normal", ~called))
            ],
        )
    else:
        truth = np.asarray(report.is_anomaly, bool)
        false_alarms, detected = np.sum(called & ~truth), np.sum(called & truth)
        normals, anomalies = np.sum(~truth), np.sum(truth)
        body = (
            f"<p><b>False-alarm rate {_percent(false_alarms, normals)}</b>, {false_alarms:,} of"
            f" {normals:,} normals.<br><b>Detection rate {_percent(detected, anomalies)}</b>,"
            f" {detected:,} of {anomalies:,} anomalies.</p>"
            + _table(
                ["truly", "called normal", "called anomaly"],
                [
                    ["normal", f"{normals - false_alarms:,}", f"{false_alarms:,}"],
                    ["anomalous", f"{anomalies - detected:,}", f"{detected:,}"],
                ],
            )
        )
    return _section("Decisions", explanation, body)


def _curves(report):
    if report.is_anomaly is None:
        return ""
    truth = np.asarray(report.is_anomaly, bool)
    if truth.all() or not truth.any():
        return ""
    scores = {name: np.asarray(values) for name, values in report.scores.items()}
    arguments = truth, scores, report.decision_score, report.thresholds[report.decision_score]
    return _section(
        "Every possible threshold",
        f"The dot is the threshold that decides, of {_escape(report.decision_score)}.",
        _figures(
            [
                ("Precision and recall", charts.precision_recall(*arguments)),
                ("Detections and false alarms (ROC)", charts.roc(*arguments)),
            ]
        ),
    )


def _histograms(report):
    figures = []
    for name in _decision_first(report.scores, report):
        values = np.asarray(report.scores[name])
        groups = {("held-out normals", "calibration"): report.calibration.get(name, ())}
        if report.is_anomaly is None:
            groups[f"scored images ({values.size:,})", "scored"] = values
        else:
            truth = np.asarray(report.is_anomaly, bool)
            groups[f"test normals ({np.sum(~truth):,})", "normal"] = values[~truth]
            groups[f"test anomalies ({np.sum(truth):,})", "anomalous"] = values[truth]
        chart, note = charts.histogram(groups, report.thresholds.get(name), f"Histogram of {name}")
        if chart:
            figures.append(
                (_score_name(name, report), chart + (note and f'<p class="muted">{note}</p>'))
            )
    if not figures:
        return ""
    return _section(
        "How the scores are spread",
        "The dashed line is the threshold. Heights are on a square-root scale, so that the few"
        " scores beyond it can be seen.",
        _figures(figures),
    )


def _rotation_accuracy(report):
    if not report.rotation_accuracy:
        return ""
    rows = [
        [
            _escape(group),
            f'<span class="bar"><i style="width:{100 * _unit(value):.1f}%"></i></span>',
            _rate(value),
        ]
        for group, value in report.rotation_accuracy.items()
    ]
    return _section(
        "Rotation accuracy",
        "How often the classifier names the rotation of an image; 0.25 by chance.",
        _table(["images", "", "accuracy"], rows),
    )


def _pictures(report):
    sections, explain = [], _reading_aid(report)
    for title, explanation, shown in report.pictures:
        cards = "".join(_card(picture, report) for picture in shown)
        body = f'<div class="cards">{cards}</div>' if cards else '<p class="muted">None.</p>'
        sections.append(
            _section(_escape(title), _escape(explanation), (explain if cards else "") + body)
        )
        explain = "" if cards else explain
    return "\n".join(sections)


def _reading_aid(report):
    """How to read the pictures; stands once, above the first."""
    shown = [picture for _, _, group in report.pictures for picture in group]
    parts = []
    if any(picture.error_map is not None for picture in shown):
        parts.append(
            f'<p class="scale">Error: <span>0 <img src="{pictures.error_scale()}" alt="from grey'
            ' over yellow to red"> 1 and above.</span> 1 is the same in every picture; normal'
            " images rarely exceed it.</p>"
        )
    if any(picture.rotation_probabilities is not None for picture in shown):
        parts.append(
            "<p>Bars: the probability that the classifier gives to the true rotation when the image"
            " is turned by 0°, 90°, 180° and 270°. Low bars are suspicious.</p>"
        )
    if any(picture.p_value is not None for picture in shown):
        parts.append(
            "<p>p: how often a normal image scores at least as high, estimated from held-out"
            " normals.</p>"
        )
    return parts and f'<div class="aid">{"".join(parts)}</div>' or ""


def _card(picture, report):
    try:
        images = [_image("image", pictures.data_uri(picture.image), picture.image)]
        if picture.reconstruction is not None:
            images.append(
                _image(
                    "reconstruction",
                    pictures.data_uri(picture.reconstruction),
                    picture.reconstruction,
                )
            )
        if picture.error_map is not None:
            images.append(
                _image(
                    "error", pictures.error_overlay(picture.image, picture.error_map), picture.image
                )
            )
    except ValueError as error:
        raise ValueError(f"{picture.name}: {error}") from error
    scores = [
        f"<div{' class=decides' if name == report.decision_score else ''}>"
        f"<dt>{_escape(name)}</dt><dd>{charts.number(picture.scores[name])}</dd></div>"
        for name in _decision_first(picture.scores, report)
    ]
    if picture.p_value is not None:
        scores.append(f"<div><dt>p</dt><dd>{picture.p_value:.2g}</dd></div>")
    note = picture.note and f'<span class="muted"><bdi>{_escape(picture.note)}</bdi></span>'
    return (
        f'<article><header><span class="name">{_path(picture.name)} {note}</span>'
        f"{_badge(picture.decision)}</header>"
        f'<div class="images">{"".join(images)}</div>'
        "<div"
        f' class="about"><dl>{"".join(scores)}</dl>{_rotations(picture.rotation_probabilities)}</div></article>'
    )


def _image(caption, uri, image):
    # Enlarged pixels stay sharp; a large image that is shrunk must not lose every other row.
    style = ' class="pixelated"' if image.shape[1] < _PIXELATED_BELOW else ""
    return (
        f'<figure><img{style} src="{uri}"'
        f' alt="{caption}"><figcaption>{caption}</figcaption></figure>'
    )


def _rotations(probabilities):
    if probabilities is None:
        return ""
    rows = "".join(
        f'<li><span>{90 * turns}°</span><span class="bar"><i'
        f' style="width:{100 * _unit(value):.0f}%"></i></span><span>{value:.2f}</span></li>'
        for turns, value in enumerate(probabilities)
    )
    return f'<ol class="rotations">{rows}</ol>'


def _training(report):
    figures = []
    for name in dict.fromkeys(key for epoch in report.history for key in epoch if key != "epoch"):
        measured = [
            (epoch["epoch"], epoch[name])
            for epoch in report.history
            if np.isfinite(epoch.get(name, np.nan))
        ]
        if measured:
            epochs, values = zip(*measured)
            title = (
                f'{_escape(name)} <span class="muted">{charts.number(values[-1])} at the end</span>'
            )
            figures.append((title, charts.over_epochs(epochs, values, f"{name} over the epochs")))
    return _section("Training", "", _figures(figures)) if figures else ""


def _unreadable(report):
    if not report.unreadable:
        return ""
    shown = report.unreadable[:_UNREADABLE_SHOWN]
    left_out = len(report.unreadable) - len(shown)
    rows = [[_path(path), _escape(reason)] for path, reason in shown]
    more = f'<p class="muted">And {left_out:,} more.</p>' if left_out else ""
    return (
        f"<details{' open' if len(rows) <= _UNREADABLE_OPEN else ''}><summary>Files left out"
        f" ({len(report.unreadable):,})</summary>{_table(['file', 'reason'], rows)}{more}</details>"
    )


def _settings(report):
    if not report.settings:
        return ""
    rows = [
        [_escape(name), f"<bdi>{_escape(value)}</bdi>"] for name, value in report.settings.items()
    ]
    return f"<details><summary>Settings</summary>{_table(['name', 'value'], rows)}</details>"


def _section(title, explanation, body):
    """A section; all three are HTML."""
    return f"<section><h2>{title}</h2>{explanation and f'<p>{explanation}</p>'}{body}</section>"


def _figures(figures):
    """`[(title, chart), ...]`, HTML."""
    return (
        '<div class="charts">'
        + "".join(
            f"<figure><figcaption>{title}</figcaption>{chart}</figure>" for title, chart in figures
        )
        + "</div>"
    )


def _table(head, rows):
    """A table in a box of its own to scroll in; cells are HTML."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        "<div"
        f' class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _badge(decision):
    return (
        '<span class="badge'
        f' {"anomalous" if decision == "anomaly" else "normal"}">{_escape(decision)}</span>'
    )


def _score_name(name, report):
    return _escape(name) + (
        ' <span class="muted">(decides)</span>' if name == report.decision_score else ""
    )


def _decision_first(names, report):
    return sorted(names, key=lambda name: name != report.decision_score)


def _label(name):
    return _escape(_LABELS.get(name, name))


def _percent(part, whole):
    return f"{part / whole:.1%}" if whole else "unknown"


def _rate(value):
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def _unit(value):
    return float(np.clip(value, 0, 1))


def _path(path):
    # Lines break between folders, and only where that doesn't help within a name.
    return f"<bdi>{_escape(path).replace('/', '/<wbr>')}</bdi>"


def _escape(value):
    # A file name that is not UTF-8 reaches Python with lone surrogates, which no file can hold.
    return html.escape(str(value).encode("utf-8", "backslashreplace").decode("utf-8"))
