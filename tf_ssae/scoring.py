"""Scores image files of any number with a trained detector: one row an image, with a decision and why.

    python -m tf_ssae.scoring --model_dir=RUN_OR_EXPORT --images=FOLDER --output=scores.csv

--model_dir is a run folder, an exported version (EXPORTED/NAME/VERSION) or a .tflite file. --images is a folder (with those
below it), a pattern such as 'parts/*.png', or a .txt file with one path a line.
"""

import array
import csv
import dataclasses
import fcntl
import glob
import hashlib
import heapq
import json
import os
import pathlib
import sys

import numpy as np
from absl import app, flags
from tqdm import tqdm

from tf_ssae import calibration, gallery, report, scorers
from tf_ssae.batched import largest
from tf_ssae.datasets import files

_PICTURED = 12
_ROWS_AT_ONCE = 10_000


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of the images: how many were `scored`, how many of them are `anomalies`, which are `unreadable`
    (`(path, reason)`), and the sentences to say aloud about them, `warnings`."""

    scored: int
    anomalies: int
    unreadable: list
    warnings: list


def run(model_dir, images, output):
    """Scores the images, and writes a table and a report.

    Rows appear in `OUTPUT.partial` as they are scored. A run that was broken off goes on from there when it is started again;
    `output` appears when all is done. Unreadable files become rows with their reason in place of scores.

    The table's columns: `path`; every score; `decision`, "anomaly", "normal" or "unreadable"; `p_value`, how often a normal
    image scores as high; `why`, of an anomaly, which of `a_rec` and `a_cls` is above its own threshold; `error`.

    Args:
        model_dir: see `scorers.load`.
        images: see `find`.
        output: a path that ends in .csv, .jsonl or .parquet. The report is written beside it, as .html.

    Returns:
        A Result.

    Raises:
        FileNotFoundError, ValueError: the model or the images are not there; or `OUTPUT.partial` is of other images or another
            model.
        FileExistsError: `output` exists.
    """
    output = pathlib.Path(output)
    if output.suffix not in _WRITERS:
        raise ValueError(f"--output={output}: expected a name that ends in {', '.join(_WRITERS)}.")
    page, partial_path = output.with_suffix(".html"), output.with_name(output.name + ".partial")
    _require_new(output)
    if not partial_path.exists():
        # Else it may be the report of a process that died before the table was there.
        _require_new(page)
    output.parent.mkdir(parents=True, exist_ok=True)
    paths = find(images)
    scorer = scorers.load(model_dir)
    reader = files.Squares(scorer.image_shape, scorer.description["crop"])
    rows = _Rows(scorer.description)
    partial = _Partial(partial_path, paths, scorer.description)
    with partial:
        if output.exists():
            # Another process finished between our look and our lock.
            partial_path.unlink(missing_ok=True)
            _require_new(output)
        for row in partial.rows():
            rows.add(row)
        with tqdm(total=len(paths), unit=" images", disable=None, initial=partial.done) as progress:
            for row in _scored(scorer, reader.read(paths[partial.done :]), rows):
                partial.write(row)
                rows.add(row)
                progress.update()
        temporary = output.with_name(output.name + ".tmp")
        _WRITERS[output.suffix](partial.rows(), rows.columns, temporary)
        report.write(page, rows.report(scorer, reader, model_dir, images))
        os.replace(temporary, output)
        partial_path.unlink()
    return rows.result()


def _require_new(path):
    if path.exists():
        raise FileExistsError(f"{path} exists. Remove it or pass another --output.")


def find(images):
    """The paths that `images` stands for: a folder, a pattern, a .txt file with one path a line, or one image.

    Raises:
        FileNotFoundError: there are none.
    """
    path = pathlib.Path(images)
    if path.is_file() and path.suffix != ".txt":
        return [path]
    if path.is_dir():
        return files.find(path)
    if path.suffix == ".txt" and path.is_file():
        paths = [pathlib.Path(line) for line in path.read_text(errors="surrogateescape").splitlines() if line.strip()]
        if not paths:
            raise FileNotFoundError(f"{path} names no image; expected one path a line.")
        return paths
    paths = sorted(pathlib.Path(name) for name in glob.glob(str(images), recursive=True) if os.path.isfile(name))
    if not paths:
        raise FileNotFoundError(f"--images={images}: no such folder or file, and no file that this pattern fits.")
    return paths


def _scored(scorer, images, rows):
    """Yields one row an image of `files.Squares.read`, in order; squares of many images are scored together."""
    waiting, squares = [], []

    def flush():
        scores = {}
        if squares:
            # More than a batch, if the last picture has many squares.
            stacked = np.concatenate(squares)
            parts = [scorer.score(stacked[i : i + scorers.BATCH_SIZE]) for i in range(0, len(stacked), scorers.BATCH_SIZE)]
            owner = np.repeat(np.arange(len(squares)), [len(cut) for cut in squares])
            scores = {name: largest(np.concatenate([part[name] for part in parts]), owner) for name in rows.scores}
        scored = iter(rows.of_images([path for path, error in waiting if error is None], scores))
        for path, error in waiting:
            yield next(scored) if error is None else rows.of_unreadable(path, error)
        waiting.clear()
        squares.clear()

    held = 0
    for path, cut, digest in images:
        if digest is None:
            waiting.append((path, cut))
        else:
            waiting.append((path, None))
            squares.append(cut)
            held += len(cut)
        if held >= scorers.BATCH_SIZE or len(waiting) >= 4 * scorers.BATCH_SIZE:
            yield from flush()
            held = 0
    yield from flush()


class _Rows:
    """Makes rows, and keeps of them what the report and the summary need."""

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
        above = {name: values > self._description["thresholds"][name] for name, values in scores.items()}
        p = gallery.p_values(self._description, scores)
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
        nothing = dict.fromkeys([*self.scores, "p_value"])
        return {"path": str(path), **nothing, "decision": "unreadable", "why": "", "error": str(error)}

    def add(self, row):
        if row["decision"] == "unreadable":
            self._unreadable.append((row["path"], row["error"]))
            return
        for name in self.scores:
            self._values[name].append(row[name])
        self._anomalies += row["decision"] == "anomaly"
        score = row[self._decision]
        for heap, sign in ((self._most, 1), (self._least, -1)):
            (heapq.heappush if len(heap) < _PICTURED else heapq.heappushpop)(heap, (sign * score, row["path"]))

    def result(self):
        return Result(len(self._values[self._decision]), self._anomalies, self._unreadable, self.warnings())

    def warnings(self):
        description, warnings = self._description, []
        held_out = np.array(description["held_out_scores"][self._decision])
        threshold, new = description["thresholds"][self._decision], np.array(self._values[self._decision])
        statistic, p = calibration.drift(new, held_out, description["held_out_images"], threshold)
        if not gallery.promise_is_kept(description):
            warnings.append(gallery.promise(description))
        if description["held_out"] and p < calibration.DRIFT_SIGNIFICANCE:
            warnings.append(
                f"Drift: the {int((new <= threshold).sum())} images below the threshold do not score as the held-out normal "
                f"images did (Kolmogorov-Smirnov statistic {statistic:.3f}, p = {p:.1g}). The promised rate of false alarms "
                "does not hold for such images: check camera and light, or train on images like these."
            )
        if self._unreadable:
            warnings.append(f"{len(self._unreadable)} of the files could not be read: see the column error.")
        return warnings

    def report(self, scorer, reader, model_dir, images):
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
                ("False alarms", gallery.promise(description)),
            ),
            warnings=tuple(result.warnings),
            decision_score=self._decision,
            thresholds=description["thresholds"],
            calibration=gallery.held_out_scores(description),
            scores={name: np.array(values) for name, values in self._values.items()},
            is_anomaly=None,
            metrics=None,
            pixel_metrics=None,
            rotation_accuracy=None,
            history=(),
            pictures=tuple(section for section in sections if section[2]),
            unreadable=tuple(result.unreadable),
            settings={name: value for name, value in description.items() if name != "held_out_scores"},
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
                notes.append(f"square {best + 1} of {len(squares)}")
            else:
                notes.append("")
            chosen.append(squares[best])
            names.append(path)
        return gallery.pictures(scorer, np.stack(chosen), names, notes) if chosen else ()


class _Partial:
    """The rows scored so far, one JSON line each, after a line that tells what they belong to."""

    def __init__(self, path, paths, description):
        """Looks at what an earlier process left, cutting off a line that it did not finish.

        Raises:
            ValueError: it is of other images or another model.
            FileExistsError: another process is writing it.
        """
        self.path = path
        names = b"\n".join(map(os.fsencode, paths))
        model = json.dumps(description, sort_keys=True).encode()
        header = {"images": hashlib.sha256(names).hexdigest(), "model": hashlib.sha256(model).hexdigest()}
        self._file = open(path, "ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileExistsError(f"Another process is writing {path}.") from None
        self._file.seek(0)
        whole, lines = 0, 0
        first = json.dumps(header).encode() + b"\n"
        for line in self._file:
            if lines == 0 and not first.startswith(line):
                raise ValueError(f"{path} was begun with other images or another model. Remove it to start anew.")
            if not line.endswith(b"\n"):
                break
            whole, lines = whole + len(line), lines + 1
        self._file.truncate(whole)
        if not lines:
            self.write(header)
        # How many rows there are already.
        self.done = max(0, lines - 1)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()

    def write(self, row):
        self._file.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "surrogateescape"))

    def rows(self):
        if not self._file.closed:
            self._file.flush()
        with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
            next(file)
            yield from map(json.loads, file)


def _write_csv(rows, columns, path):
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _write_jsonl(rows, columns, path):
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_parquet(rows, columns, path):
    import pyarrow
    from pyarrow import parquet

    texts = ("path", "decision", "why", "error")
    schema = pyarrow.schema([(name, pyarrow.string() if name in texts else pyarrow.float32()) for name in columns])
    with parquet.ParquetWriter(path, schema) as writer:
        chunk = []
        for row in rows:
            # Parquet's text is UTF-8: bytes of a name that are not become an escape.
            chunk.append({**row, "path": files.printable(row["path"])})
            if len(chunk) == _ROWS_AT_ONCE:
                writer.write_table(pyarrow.Table.from_pylist(chunk, schema))
                chunk = []
        writer.write_table(pyarrow.Table.from_pylist(chunk, schema))


_WRITERS = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}. Quote a pattern: --images='parts/*.png'.")
    try:
        result = run(_MODEL_DIR.value, _IMAGES.value, _OUTPUT.value)
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here.")
    print(f"{result.scored} images scored, {result.anomalies} of them anomalies; {len(result.unreadable)} unreadable.")
    for warning in result.warnings:
        print(f"WARNING: {warning}")
    print(f"Scores: {_OUTPUT.value}\nReport: {pathlib.Path(_OUTPUT.value).with_suffix('.html')}")
    if _STRICT.value and result.unreadable:
        sys.exit(1)


if __name__ == "__main__":
    _MODEL_DIR = flags.DEFINE_string("model_dir", None, "A run folder, an exported version or a .tflite file.", required=True)
    _IMAGES = flags.DEFINE_string("images", None, "A folder, a pattern, or a .txt file of paths.", required=True)
    _OUTPUT = flags.DEFINE_string("output", None, "The table: .csv, .jsonl or .parquet; the report beside it.", required=True)
    _STRICT = flags.DEFINE_bool("strict", False, "Exit with status 1 if a file could not be read.")
    app.run(main)
