"""Scores image files of any number with a trained detector: one row per image, with a decision and
why.
"""

import glob
import os
import pathlib

import numpy as np
from tqdm import tqdm

from tf_ssae import report
from tf_ssae.data import files
from tf_ssae.ops.parts import largest
from tf_ssae.scoring import scorers
from tf_ssae.scoring.partial_table import PartialTable
from tf_ssae.scoring.rows import Rows
from tf_ssae.scoring.tables import WRITERS
from tf_ssae.system.files import replacing


def run(model_dir, images, output):
    """Scores the images, and writes a table and a report.

    Rows appear in `OUTPUT.partial` as they are scored. A run that was broken off goes on from there
    when it is started again; `output` appears when all is done. Unreadable files become rows with
    their reason in place of scores.

    The table's columns: `path`; every score; `decision`, "anomaly", "normal" or "unreadable";
    `p_value`, how often a normal image scores as high; `why`, of an anomaly, which of `a_rec` and
    `a_cls` is above its own threshold; `error`.

    Args:
        model_dir: see `scorers.load`.
        images: see `find`.
        output: a path that ends in .csv, .jsonl or .parquet. The report is written beside it, as
            .html.

    Returns:
        A scored_rows.Result.

    Raises:
        FileNotFoundError, ValueError: the model or the images are not there; or `OUTPUT.partial` is
            of other images or another model.
        FileExistsError: `output` exists.
    """
    output = pathlib.Path(output)
    if output.suffix not in WRITERS:
        raise ValueError(f"--output={output}: expected a name that ends in {', '.join(WRITERS)}.")
    page, partial_path = output.with_suffix(".html"), output.with_name(output.name + ".partial")
    _require_new(output)
    if not partial_path.exists():
        # Else it may be the report of a process that died before the table was there.
        _require_new(page)
    output.parent.mkdir(parents=True, exist_ok=True)
    paths = find(images)
    scorer = scorers.load(model_dir)
    reader = files.Squares(scorer.image_shape, scorer.description["crop"])
    rows = Rows(scorer.description)
    partial = PartialTable(partial_path, paths, scorer.description)
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
        with replacing(output) as temporary:
            WRITERS[output.suffix](partial.rows(), rows.columns, temporary)
            report.write(page, rows.report(scorer, reader, model_dir, images))
        partial_path.unlink()
    return rows.result()


def _require_new(path):
    if path.exists():
        raise FileExistsError(f"{path} exists. Remove it or pass another --output.")


def find(images):
    """The paths that `images` stands for: a folder, a pattern, a .txt file with one path a line, or
    one image.

    Raises:
        FileNotFoundError: there are none.
    """
    path = pathlib.Path(images)
    if path.is_file() and path.suffix != ".txt":
        return [path]
    if path.is_dir():
        return files.find(path)
    if path.suffix == ".txt" and path.is_file():
        paths = [
            pathlib.Path(line)
            for line in path.read_text(errors="surrogateescape").splitlines()
            if line.strip()
        ]
        if not paths:
            raise FileNotFoundError(f"{path} names no image; expected one path a line.")
        return paths
    paths = sorted(
        pathlib.Path(name)
        for name in glob.glob(str(images), recursive=True)
        if os.path.isfile(name)
    )
    if not paths:
        raise FileNotFoundError(
            f"--images={images}: no such folder or file, and no file that this pattern fits."
        )
    return paths


def _scored(scorer, images, rows):
    """Yields one row an image of `files.Squares.read`, in order; squares of many images are scored
    together.
    """
    waiting, squares = [], []

    def flush():
        scores = {}
        if squares:
            # More than a batch, if the last picture has many squares.
            stacked = np.concatenate(squares)
            parts = [
                scorer.score(stacked[i : i + scorers.BATCH_SIZE])
                for i in range(0, len(stacked), scorers.BATCH_SIZE)
            ]
            owner = np.repeat(np.arange(len(squares)), [len(cut) for cut in squares])
            scores = {
                name: largest(np.concatenate([part[name] for part in parts]), owner)
                for name in rows.scores
            }
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
