"""The rows of a scoring, and what becomes of them: a summary, warnings and a report."""

import array
import dataclasses
import heapq

import numpy as np

from tf_ssae import report
from tf_ssae.calibration import conformal as calibration
from tf_ssae.calibration import descriptions
from tf_ssae.report import gallery
from tf_ssae.scoring import scorers

_PICTURED = 12


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of the images: how many were `scored`, how many of them are `anomalies`, which
    are `unreadable` (`(path, reason)`), and the sentences to say aloud about them, `warnings`.
    """

    scored: int
    anomalies: int
    unreadable: list
    warnings: list


class Rows:
    """Makes rows, and keeps of them what the report and the summary need.

    Attributes:
        scores: the names of the scores.
        columns: those of a row, in order; see `scoring.run`.
    """

    def __init__(self, description):
        self.scores = description["scores"]
        self.columns = ["path", *self.scores, "decision", "p_value", "why", "error"]
        self._description = description
        self._decision = description["decision"]
        self._values = {name: array.array("f") for name in self.scores}
        self._most, self._least, self._unreadable, self._anomalies = [], [], [], 0

    def of_images(self, paths, scores):
        """Rows of readable images, from `{score name: [N]}`."""
        if not paths:
            return []
        above = {
            name: values > self._description["thresholds"][name] for name, values in scores.items()
        }
        p = descriptions.p_values(self._description, scores)
        return [self._of_image(path, i, scores, above, p) for i, path in enumerate(paths)]

    def _of_image(self, path, i, scores, above, p):
        anomaly = bool(above[self._decision][i])
        # What has no part in the decision has not fired, whatever it says.
        parts = ("a_rec", "a_cls") if self._decision in ("a_ws", "a_max") else (self._decision,)
        fired = [name for name in parts if above[name][i]]
        return {
            "path": str(path),
            **{name: float(f"{scores[name][i]:.9g}") for name in self.scores},
            "decision": "anomaly" if anomaly else "normal",
            "p_value": None if p is None else float(f"{p[i]:.4g}"),
            "why": (" and ".join(fired) or "both together, neither alone") if anomaly else "",
            "error": "",
        }

    def of_unreadable(self, path, error):
        """The row of a file that could not be read."""
        nothing = dict.fromkeys([*self.scores, "p_value"])
        return {
            "path": str(path),
            **nothing,
            "decision": "unreadable",
            "why": "",
            "error": str(error),
        }

    def add(self, row):
        """Takes a row in, one of these or one that an earlier process wrote."""
        if row["decision"] == "unreadable":
            self._unreadable.append((row["path"], row["error"]))
            return
        for name in self.scores:
            self._values[name].append(row[name])
        self._anomalies += row["decision"] == "anomaly"
        score = row[self._decision]
        for heap, sign in ((self._most, 1), (self._least, -1)):
            (heapq.heappush if len(heap) < _PICTURED else heapq.heappushpop)(
                heap, (sign * score, row["path"])
            )

    def result(self):
        """The Result of all rows so far."""
        return Result(
            len(self._values[self._decision]), self._anomalies, self._unreadable, self.warnings()
        )

    def warnings(self):
        """Sentences: what the threshold does not promise, drift, unreadable files."""
        description, warnings = self._description, []
        held_out = np.array(description["held_out_scores"][self._decision])
        threshold, new = (
            description["thresholds"][self._decision],
            np.array(self._values[self._decision]),
        )
        statistic, p = calibration.drift(new, held_out, description["held_out_images"], threshold)
        if not descriptions.promise_is_kept(description):
            warnings.append(descriptions.promise(description))
        if description["held_out"] and p < calibration.DRIFT_SIGNIFICANCE:
            warnings.append(
                f"Drift: the {int((new <= threshold).sum())} images below the threshold do not"
                " score as the held-out normal images did (Kolmogorov-Smirnov statistic"
                f" {statistic:.3f}, p = {p:.1g}). The promised rate of false alarms does not hold"
                " for such images: check camera and light, or train on images like these."
            )
        if self._unreadable:
            warnings.append(
                f"{len(self._unreadable)} of the files could not be read: see the column error."
            )
        return warnings

    def report(self, scorer, reader, model_dir, images):
        """The report.Report of all rows so far. `scorer` and `reader` picture some of the images
        again.
        """
        result = self.result()
        description = self._description
        sections = [
            (title, text, self._pictures(scorer, reader, sorted(heap, reverse=True)))
            for title, text, heap in (
                ("Most anomalous", "The images with the highest deciding score.", self._most),
                ("Least anomalous", "The images with the lowest deciding score.", self._least),
            )
        ]
        return report.Report(
            title=f"Scores of {images}",
            facts=(
                ("Images scored", f"{result.scored:,}"),
                ("Anomalies", f"{result.anomalies:,}"),
                ("Unreadable files", f"{len(result.unreadable):,}"),
                ("Deciding score", self._decision),
                ("Model", str(model_dir)),
                ("False alarms", descriptions.promise(description)),
            ),
            warnings=tuple(result.warnings),
            decision_score=self._decision,
            thresholds=description["thresholds"],
            held_out_scores=descriptions.held_out_scores(description),
            scores={name: np.array(values) for name, values in self._values.items()},
            galleries=tuple(section for section in sections if section[2]),
            unreadable=tuple(result.unreadable),
            settings={
                name: value for name, value in description.items() if name != "held_out_scores"
            },
        )

    def _pictures(self, scorer, reader, ranked):
        """Of each image the square that scores highest."""
        chosen, names, notes = [], [], []
        for path, squares, digest in reader.read([path for _, path in ranked]):
            # Gone since it was scored.
            if digest is None:
                continue
            best = 0
            if len(squares) > 1:
                best = int(np.argmax(scorer.score(squares[: scorers.BATCH_SIZE])[self._decision]))
                notes.append(f"tile {best + 1} of {len(squares)}")
            else:
                notes.append("")
            chosen.append(squares[best])
            names.append(path)
        if not chosen:
            return ()
        tiles = np.stack(chosen)
        outputs = scorer.explain(tiles) if scorer.explains else scorer.score(tiles)
        return gallery.cards(outputs, tiles, names, notes, scorer.description)
