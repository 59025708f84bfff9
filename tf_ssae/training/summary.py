"""A run in words, for a terminal: its images and settings, then its metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_ssae.config import Config
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Split
from tf_ssae.networks.precision import fastest
from tf_ssae.system.text import printable
from tf_ssae.training import warm_start

_LISTED = 10


def beginning(config: Config, split: Split, folder: str) -> str:
    """The images, the settings and the folder. `folder`: "new run in ..." or "resumed in ..."."""
    data = split.data
    if config.dataset == "folder":
        anomalous = [n for n, is_anomaly in zip(data.class_names, split.anomalous) if is_anomaly]
        lines = [
            f"{config.data_dir}: {len(data.first_tiles)} images; normal: good; anomalous:"
            f" {', '.join(anomalous) or 'none'}."
        ]
        lines += data.notes
        lines += [f"Left out: {name}: {why}." for name, why in data.left_out[:_LISTED]]
        if len(data.left_out) > _LISTED:
            lines.append(f"... and {len(data.left_out) - _LISTED} more.")
    else:
        (anomaly,) = np.flatnonzero(split.anomalous)
        lines = [
            f"{config.dataset}: class {anomaly} ({data.class_names[anomaly]}) is the anomaly, the"
            f" other {len(data.class_names) - 1} classes are normal."
        ]
    protocol = (
        "" if config.dataset == "folder" else f" (protocol {config.protocol}{_cut(config, data)})"
    )
    slow = config.precision == "bfloat16" and fastest() == "float32"
    precision = f"{config.precision}{', slow on this machine' if slow else ''}"
    cut = data.source is not None and len(data.source) > len(data.first_tiles)
    lines += [
        f"{len(split.train)} normal images to train on, {len(split.calibration)} held out for the"
        f" threshold; {len(split.test)} test images, {split.test.is_anomaly.sum()} of them"
        f" anomalies{protocol}.{' Images are cut into square tiles.' if cut else ''}",
        f"{config.detector}, {config.epochs} epochs, networks in {precision}; {folder}.",
    ]
    return printable("\n".join(lines))


def _cut(config: Config, data: LabelledImages) -> str:
    """What the protocol leaves out, in words."""
    counts = np.bincount(data.labels)
    if config.protocol != "pooled" or counts.min() == counts.max():
        return ""
    return f": {counts.min():,} images of every class, as many as the smallest has"


def of_synthetic_defects(found: Mapping[str, Any]) -> str:
    """What `metrics.json` says of them, as a sentence."""
    return (
        f"{found['found']} of {found['images']} found, pasted into held-out normal images (95% "
        f"interval {found['low']:.0%} to {found['high']:.0%}). Real ones may be easier or harder."
    )


def of_regions(found: Mapping[str, Any]) -> str:
    """What `metrics.json` says of regions, as a sentence."""
    sentence = f"Regions: {found['hit']:.1%} of {found['defects']} defects hit"
    false = found["false_regions_per_normal_image"]
    return f"{sentence}{'' if false is None else f'; {false:.2f} in a normal image'}."


def in_short(metrics: Mapping[str, Any]) -> str:
    """The numbers that matter: defects found, false alarms, synthetic defects found."""
    decision, parts = metrics["decision"], []
    anomalies = round(metrics["share"] * metrics["test_images"])
    normal = metrics["test_images"] - anomalies
    if "detection_rate" in decision:
        found = round(decision["detection_rate"] * anomalies)
        parts.append(f"{found:,} of {anomalies:,} defects found")
    else:
        parts.append("no defect was tested")
    if "false_alarm_rate" in decision:
        alarms = round(decision["false_alarm_rate"] * normal)
        alarm = "alarm" if alarms == 1 else "alarms"
        parts.append(f"{alarms:,} false {alarm} on {normal:,} normal test images")
    if "synthetic_defects" in metrics:
        synthetic = metrics["synthetic_defects"]
        parts.append(f"{synthetic['found']:,} of {synthetic['images']:,} synthetic defects found")
    return f"In short: {'; '.join(parts)}."


def table(metrics: dict) -> str:
    """The metrics of a run, as in `metrics.json`."""
    columns = ("average_precision", "auroc", "pr_auc_trapezoid", "average_precision_at_0.1")
    lines = []
    if "scores" in metrics:
        width = max(8, *(len(name) + 1 for name in metrics["scores"]))
        lines.append(f"{'score':{width}}" + "".join(f"{name:>26}" for name in columns))
        for name, values in metrics["scores"].items():
            row = "".join(f"{values[column]:26.4f}" for column in columns)
            lines.append(f"{name:{width}}{row}")
        lines.append(
            f"{metrics['test_images']} test images, {metrics['share']:.3f} of them anomalies "
            "(the average precision of a useless score)."
        )
    if "pixels" in metrics:
        pixels = metrics["pixels"]
        lines.append(
            f"Maps compared with the masks: pixel AUROC {pixels['pixel_auroc']:.4f}, AUPRO"
            f" {pixels['aupro']:.4f}."
        )
    if "regions" in metrics:
        lines.append(of_regions(metrics["regions"]))
    if "no_pixels" in metrics:
        lines.append(f"No pixel metrics: {metrics['no_pixels']}.")
    decision, rates = metrics["decision"], []
    if "false_alarm_rate" in decision:
        rates.append(f"{decision['false_alarm_rate']:.1%} of the normal test images")
    if "detection_rate" in decision:
        rates.append(f"{decision['detection_rate']:.1%} of the anomalous ones")
    lines.append(
        f"Above the threshold of {decision['score']}, {decision['threshold']:.4g}:"
        f" {' and '.join(rates)}."
    )
    if "synthetic_defects" in metrics:
        lines.append(f"Synthetic defects: {of_synthetic_defects(metrics['synthetic_defects'])}")
    if "warm_start" in metrics:
        lines.append(warm_start.in_words(metrics["warm_start"]))
    if "rotation_accuracy" in metrics:
        groups = [
            f"{value:.3f} on {group}" for group, value in metrics["rotation_accuracy"].items()
        ]
        lines.append(f"Rotation accuracy: {', '.join(groups)} test images (chance: 0.25).")
    if "training_and_held_out" in metrics:
        lines.append(metrics["training_and_held_out"])
    if "saturated" in metrics:
        lines.append(metrics["saturated"])
    if "health" in metrics:
        spread = metrics["health"]["reconstruction_spread"]
        lines.append(f"Reconstructions differ {spread:.2f} times as much as the images do.")
        lines += [f"WARNING: {warning}" for warning in metrics["health"]["warnings"]]
    return "\n".join(lines)
