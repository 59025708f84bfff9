"""The rows of a scoring, and a summary, warnings and a report from them."""

import array
import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tf_ssae.calibration import Calibration
from tf_ssae.data.layout import GOOD
from tf_ssae.data.reader import ReadFile, TileReader, repaired_in_words
from tf_ssae.evaluation.regions import Region
from tf_ssae.report import Report
from tf_ssae.runs import provenance
from tf_ssae.scoring.drift import Drift, drift
from tf_ssae.scoring.extremes import Extremes
from tf_ssae.scoring.readers import Reader
from tf_ssae.scoring.suspects import Suspects

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Summary:
    """The outcome of a scoring.

    Attributes:
        scored: the number of images that were scored.
        anomalies: the number of anomalies among them.
        reviews: the number of those for review.
        unreadable: `(path, reason)` of the files that could not be read.
        repaired: `(path, what was wrong)` of damaged files that were scored as their decoder
            repaired them.
        warnings: sentences.
    """

    scored: int
    anomalies: int
    reviews: int
    unreadable: list[tuple[str, str]]
    repaired: list[tuple[str, str]]
    warnings: list[str]


class Rows:
    """Makes rows, and keeps what the report and the summary need.

    Attributes:
        scores: the names of the scores.
        columns: the names of a row's columns, in order; see `run.score`.
    """

    def __init__(
        self,
        calibration: Calibration,
        notes: Sequence[str] = (),
        kind_of: Callable[[str], str | None] = lambda path: None,
    ):
        """`notes`: sentences about the images and the model, for the warnings. `kind_of`: from a
        path to the class of the image, None where it is unknown.
        """
        self.scores = list(calibration.thresholds)
        self.columns = [
            *("path", *self.scores, "decision", "p_value", "why"),
            *("regions", "width", "height", "error"),
        ]
        self._calibration, self._notes = calibration, notes
        self._values = {name: array.array("f") for name in self.scores}
        self._kind_of = kind_of
        # Of each image: its place in `_kinds`; -1 if unknown.
        self._kind_of_image = array.array("i")
        self._kinds: dict[str, int] = {}
        self._suspects = Suspects(calibration)
        self._extremes = Extremes(calibration)
        self._unreadable: list[tuple[str, str]] = []
        self._repaired: list[tuple[str, str]] = []
        self._anomalies = self._reviews = 0

    def of_images(
        self,
        files: Sequence[ReadFile],
        scores: dict[str, np.ndarray],
        regions_of: Callable[[int], list[Region]] | None,
    ) -> list[Row]:
        """Rows of readable images, from `{score name: [N]}`.

        `regions_of`: a function from an image's number to its regions, asked for what is not normal
        alone; None if there are no maps.
        """
        if not files:
            return []
        decisions = self._calibration.decisions(scores)
        why = self._calibration.why(scores)
        p = self._calibration.p_values(scores)

        def regions(i: int) -> list[dict[str, Any]] | None:
            if regions_of is None:
                return None
            suspicious = decisions[i] != "normal"
            return [region.to_dict() for region in regions_of(i)] if suspicious else []

        def row(i: int) -> Row:
            if not all(np.isfinite(scores[name][i]) for name in self.scores):
                # Compared with a threshold, NaN would be called normal.
                return self.of_unreadable(files[i].path, "its scores are not numbers")
            return {
                "path": str(files[i].path),
                **{name: float(f"{scores[name][i]:.9g}") for name in self.scores},
                "decision": decisions[i],
                "p_value": None if p is None else float(f"{p[i]:.4g}"),
                "why": why[i] if decisions[i] == "anomaly" else "",
                "regions": regions(i),
                "width": files[i].stored_size[1],
                "height": files[i].stored_size[0],
                "error": files[i].damage,
            }

        return [row(i) for i in range(len(files))]

    def of_unreadable(self, path: pathlib.Path, error: str) -> Row:
        """The row of a file that could not be read."""
        nothing = dict.fromkeys(self.columns)
        return {
            **nothing,
            "path": str(path),
            "decision": "unreadable",
            "why": "",
            "error": error,
        }

    def add(self, row: Row) -> None:
        """Counts a row, one of these or one that an earlier process wrote."""
        if row["decision"] == "unreadable":
            self._unreadable.append((row["path"], row["error"]))
            return
        if row["error"]:
            self._repaired.append((row["path"], row["error"]))
        for name in self.scores:
            self._values[name].append(row[name])
        self._anomalies += row["decision"] == "anomaly"
        self._reviews += row["decision"] == "review"
        kind = self._kind_of(row["path"])
        place = -1 if kind is None else self._kinds.setdefault(kind, len(self._kinds))
        self._kind_of_image.append(place)
        self._suspects.add(row, kind)
        self._extremes.add(row)

    def summary(self) -> Summary:
        """The Summary of all rows so far."""
        scored, drifted = len(self._kind_of_image), self._drift()
        warnings = [*self._warnings(), *([drifted.sentence] if drifted else [])]
        counts = (scored, self._anomalies, self._reviews)
        return Summary(*counts, self._unreadable, self._repaired, warnings)

    def _labels(self) -> list[str] | None:
        """The class of each image; None if that of some is unknown."""
        names = list(self._kinds)
        if not self._kind_of_image or min(self._kind_of_image) < 0:
            return None
        return [names[place] for place in self._kind_of_image]

    def _drift(self) -> Drift | None:
        """That of the good images alone, where it is known which these are."""
        labels, new = self._labels(), np.array(self._values[self._calibration.deciding_score])
        if labels is not None:
            new = new[np.array(labels, object) == GOOD]
        return drift(self._calibration, new, are_good=labels is not None)

    def _warnings(self) -> list[str]:
        """Sentences: what the threshold does not guarantee, unreadable and damaged files."""
        calibration, warnings = self._calibration, list(self._notes)
        if not calibration.guarantee_holds:
            warnings.append(calibration.guarantee_in_words)
        if self._unreadable:
            warnings.append(
                f"{len(self._unreadable)} files could not be read: the column `error` says why."
            )
        if self._repaired:
            warnings.append(repaired_in_words(self._repaired))
        return warnings

    def report(
        self,
        reader: Reader,
        tiles: TileReader,
        model_dir: str | pathlib.Path,
        images: object,
        page: pathlib.Path,
    ) -> Report:
        """The Report of all rows so far, to be written to `page`. `reader` and `tiles` read some of
        the images again.
        """
        summary, calibration, labels = self.summary(), self._calibration, self._labels()
        drifted, kind_of = self._drift(), self._kind_of if labels else lambda path: None
        anomalies, misses = (
            tuple(self._suspects.photos(reader, tiles, page, kind_of, missed))
            for missed in (False, True)
        )
        settings = {**reader.description.to_dict(), **calibration.to_dict()}
        for long in ("calibration", "scores"):
            del settings[long]
        return Report(
            title=f"Scores of {images}",
            facts=(
                ("Images scored", f"{summary.scored:,}"),
                ("Anomalies", f"{summary.anomalies:,}"),
                *self._for_review(summary),
                ("Unreadable files", f"{len(summary.unreadable):,}"),
                ("Deciding score", calibration.deciding_score),
                ("Model", str(model_dir)),
                ("False alarms", calibration.guarantee_in_words),
            ),
            warnings=tuple(self._warnings()),
            drift=(drifted.sentence, drifted.new, drifted.held_out) if drifted else None,
            is_anomaly=None if labels is None else np.array([kind != GOOD for kind in labels]),
            kinds=labels,
            anomalies=anomalies,
            misses=misses if labels else (),
            unlisted=self._anomalies - len(anomalies),
            made=provenance.made(pathlib.Path(model_dir).resolve().name),
            decision_score=calibration.deciding_score,
            thresholds=calibration.thresholds,
            held_out_scores=calibration.scores if calibration.held_out else {},
            scores={name: np.array(values) for name, values in self._values.items()},
            galleries=tuple(self._extremes.galleries(reader, tiles)),
            unreadable=tuple(summary.unreadable),
            settings=settings,
        )

    def _for_review(self, summary: Summary) -> list[tuple[str, str]]:
        threshold = self._calibration.review_threshold
        if threshold is None:
            return []
        return [
            (
                "For review",
                f"{summary.reviews:,}: above {threshold:.4g}, as are"
                f" {self._calibration.review_fpr:.2%} of normal images, but no anomalies",
            )
        ]
