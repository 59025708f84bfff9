"""How exported files compare with the trained model (see `parity`), as tables for a terminal."""

from typing import Any


def table(report: dict[str, Any]) -> str:
    """The `values` of a `parity.Parity` as text: the decisions of each file, then one row per file
    and score, then one per file.
    """
    width = max(
        [8, *(len(name) + 1 for entry in report["files"].values() for name in entry["scores"])]
    )
    lines = [
        f"{report['test_images']} test images, {report['share']:.3f} of them anomalies.",
        *_of_trained(report),
        f"\n{'file':12}{'decisions that differ':>22}{'limit':>10}"
        f"   ({report['deciding_score']} decides)",
        *(
            f"{kind:12}{entry['decisions']['differ']:22.2%}{entry['decisions']['limit']:10.2%}"
            for kind, entry in report["files"].items()
        ),
        "\nEvery score; in brackets, the trained model's.",
        (
            f"{'file':12}{'score':{width}}{'largest difference':>20}{'relative':>10}"
            f"{'Spearman':>10}{'AP':>17}{'AUROC':>17}"
            f"{'decision flips':>16}"
        ),
    ]
    for kind, entry in report["files"].items():
        for name, row in entry["scores"].items():
            ap, auroc = (
                f"{row[m]:.4f} ({row[f'{m}_of_the_model']:.4f})" if m in row else "-"
                for m in ("average_precision", "auroc")
            )
            ranks = "-" if row["spearman"] is None else f"{row['spearman']:.5f}"
            lines.append(
                f"{kind:12}{name:{width}}{row['largest_difference']:20.2g}"
                f"{row['largest_relative_difference']:10.1g}"
                f"{ranks:>10}{ap:>17}{auroc:>17}{row['decisions_flipped']:16.2%}"
            )
    if not report["files"]:
        return "\n".join(lines)
    lines.append(
        f"\n{'':12}{'':>10}{'one call, one thread':>32}{'images per second, by threads':>32}"
    )
    lines.append(
        f"{'file':12}{'size':>10}{'median':>18}{'99th pct':>14}" + "".join(_threads(report))
    )
    for kind, entry in report["files"].items():
        lines.append(
            f"{kind:12}{entry['bytes'] / 1e6:7.2f} MB{entry['latency_ms']:15.2f}"
            f" ms{entry['latency_p99_ms']:11.2f} ms"
            + "".join(f"{value:16.0f}" for value in entry["images_per_second"].values())
        )
    return "\n".join(lines)


def _threads(report: dict[str, Any]) -> list[str]:
    first = next(iter(report["files"].values()))
    return [f"{threads:>16}" for threads in first["images_per_second"]]


def _of_trained(report: dict[str, Any]) -> list[str]:
    if "trained" not in report:
        return []
    trained = report["trained"]
    decisions, row = trained["decisions"], trained["scores"][report["deciding_score"]]
    ap = ""
    if "average_precision" in row:
        ap = (
            f"; its average precision is {row['average_precision']:.4f}"
            f" ({row['average_precision_of_the_model']:.4f})"
        )
    return [
        f"Trained in {trained['precision']}, exported in float32: {decisions['differ']:.2%} of the"
        f" decisions differ (limit {decisions['limit']:.2%}){ap}."
    ]
