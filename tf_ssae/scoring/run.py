"""Scores any number of image files with a trained detector: one row per image, with a decision and
why.
"""

import pathlib

from tqdm import tqdm

from tf_ssae import report
from tf_ssae.data.find import named
from tf_ssae.data.reader import TileReader
from tf_ssae.scoring import places, readers
from tf_ssae.scoring.batches import scored
from tf_ssae.scoring.partial_table import PartialTable
from tf_ssae.scoring.rows import Rows, Summary
from tf_ssae.scoring.tables import WRITERS, print_rows
from tf_ssae.system.disk import full_disk_is_an_os_error
from tf_ssae.system.files import replacing


def score(
    model_dir: str | pathlib.Path, images: str | pathlib.Path, output: str | pathlib.Path
) -> Summary:
    """Scores the images, and writes a table and a report.

    Rows appear in `OUTPUT.partial` as they are scored. An interrupted scoring resumes when it is
    started again; `output` appears when everything is done. Unreadable files become rows with the
    reason in place of scores.

    The table's columns: `path`; every score; `decision`, "anomaly", "review", "normal" or
    "unreadable"; `p_value`, how often a normal image scores as high; `why`, for an anomaly, which
    parts of the deciding score are above thresholds of their own; `error`.

    Args:
        model_dir: see `readers.load`.
        images: see `data.find.named`.
        output: a path that ends in .csv, .jsonl or .parquet. The report is written beside it, as
            .html. "-": JSON lines to the standard output, without a report, and nothing to resume.

    Raises:
        FileNotFoundError, ValueError: the model or the images are not there; or `OUTPUT.partial` is
            of other images or another model.
        FileExistsError: `output` exists.
        OSError: the disk is full; the same call resumes.
    """
    if str(output) == "-":
        return _printed(model_dir, images)
    output = pathlib.Path(output)
    places.require_new(output)
    page, partial_path = places.report_of(output), places.partial_of(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    found = named(images)
    paths = found.files
    reader = readers.load(model_dir)
    description = reader.description
    tile_reader = TileReader(description.image_shape, description.crop)
    rows = Rows(description.calibration, found.notes)
    partial = PartialTable(partial_path, paths, description.to_dict(), rows.columns)
    remedy = "Free some space and run the same command again: it resumes."
    with full_disk_is_an_os_error(output.parent, remedy), partial:
        if output.exists():
            # Another process finished between our look and our lock.
            partial_path.unlink(missing_ok=True)
            places.require_new(output)
        for row in partial.rows():
            rows.add(row)
        with tqdm(total=len(paths), unit=" images", disable=None, initial=partial.done) as progress:
            for row in scored(reader, tile_reader.read(paths[partial.done :]), rows):
                partial.write(row)
                rows.add(row)
                progress.update()
        with replacing(output) as temporary:
            WRITERS[output.suffix](partial.rows(), rows.columns, temporary)
            report.write(page, rows.report(reader, tile_reader, model_dir, images))
        partial_path.unlink()
    return rows.summary()


def _printed(model_dir: str | pathlib.Path, images: str | pathlib.Path) -> Summary:
    """Prints a row per image, as JSON, as soon as it is known."""
    found = named(images)
    reader = readers.load(model_dir)
    tile_reader = TileReader(reader.description.image_shape, reader.description.crop)
    rows = Rows(reader.calibration, found.notes)
    for row in scored(reader, tile_reader.read(found.files), rows):
        print_rows([row], rows.columns)
        rows.add(row)
    return rows.summary()
