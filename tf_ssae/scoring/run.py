"""Scores any number of image files with a trained detector: one row per image, with a decision and
why.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

from tqdm import tqdm

from tf_ssae import report
from tf_ssae.data.find import named
from tf_ssae.data.kinds import kind_of
from tf_ssae.data.reader import TileReader
from tf_ssae.ops.limits import DEFAULTS, Limits
from tf_ssae.scoring import places, readers
from tf_ssae.scoring.batches import scored
from tf_ssae.scoring.map_folder import MapFolder
from tf_ssae.scoring.partial_table import PartialTable
from tf_ssae.scoring.readers import Reader
from tf_ssae.scoring.rows import Rows, Summary
from tf_ssae.scoring.tables import WRITERS, print_rows
from tf_ssae.system.disk import full_disk_is_an_os_error
from tf_ssae.system.files import replacing


def score(
    model_dir: str | pathlib.Path,
    images: str | pathlib.Path,
    output: str | pathlib.Path,
    maps: str | pathlib.Path | None = None,
    mask_values: bool = False,
    limits: Limits = DEFAULTS,
    accept_damaged: bool = False,
) -> Summary:
    """Scores the images, and writes a table and a report.

    Rows appear in `OUTPUT.partial` as they are scored. An interrupted scoring resumes when it is
    started again; `output` appears when everything is done. Unreadable files become rows with the
    reason in place of scores.

    The table's columns: `path`; every score; `decision`, "anomaly", "review", "normal" or
    "unreadable"; `p_value`, how often a normal image scores as high; `why`, for an anomaly, which
    parts of the deciding score are above thresholds of their own; `regions`, of what is not normal,
    where its map is above the level of the held-out images (see `Region`; in CSV how many there
    are; None or empty without maps), and `width` and `height` of the image, all in the file's own
    pixels; `error`.

    Args:
        model_dir: see `readers.load`.
        images: see `data.find.named`.
        output: a path that ends in .csv, .jsonl or .parquet, or in .json for the regions as in
            COCO. The report is written beside it, as .html. "-": JSON lines to the standard output,
            without a report, and nothing to resume.
        maps: a folder for pictures of the anomalies: see `MapFolder`.
        mask_values: masks hold the map's values.
        limits: files beyond them are not read.
        accept_damaged: damaged files are scored as their decoder repairs them; then `error` says
            what was wrong, and the warnings count and name them.

    Raises:
        FileNotFoundError, ValueError: the model or the images are not there; or `OUTPUT.partial` is
            of other images or another model.
        FileExistsError: `output` exists, or `maps` is not empty.
        OSError: the disk is full; the same call resumes.
    """
    if maps is not None:
        places.require_new_maps(pathlib.Path(maps), images, pathlib.Path(output))
    if str(output) == "-":
        return _printed(model_dir, images, maps, mask_values, limits, accept_damaged)
    output = pathlib.Path(output)
    places.require_new(output)
    page, partial_path = places.report_of(output), places.partial_of(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    found = named(images)
    paths = found.files
    reader = readers.load(model_dir)
    description = reader.description
    tile_reader = TileReader.of(description, limits, accept_damaged)
    root = pathlib.Path(images)
    rows = Rows(
        description.calibration,
        [*found.notes, *reader.warnings],
        lambda path: kind_of(pathlib.Path(path), root),
    )
    if output.suffix == ".json" and not reader.has_maps:
        raise ValueError(f"--output={output}: this model gives no regions. Pass a .csv, say.")
    map_folder = _map_folder(maps, paths, mask_values, reader, tile_reader)
    how = {
        "maps": None if maps is None else str(maps),
        "mask_values": mask_values,
        "limits": dataclasses.asdict(limits),
        "accept_damaged": accept_damaged,
    }
    partial = PartialTable(partial_path, paths, {**description.to_dict(), **how}, rows.columns)
    remedy = "Free some space and run the same command again: it resumes."
    with full_disk_is_an_os_error(output.parent, remedy), partial:
        if output.exists():
            # Another process finished between our look and our lock.
            partial_path.unlink(missing_ok=True)
            places.require_new(output)
        for row in partial.rows():
            rows.add(row)
        with tqdm(total=len(paths), unit=" images", disable=None, initial=partial.done) as progress:
            files = tile_reader.read(paths[partial.done :])
            for row in scored(reader, files, rows, map_folder):
                partial.write(row)
                rows.add(row)
                progress.update()
        with replacing(output) as temporary:
            WRITERS[output.suffix](partial.rows(), rows.columns, temporary)
            report.write(page, rows.report(reader, tile_reader, model_dir, images, page))
        partial_path.unlink()
    return rows.summary()


def _printed(
    model_dir: str | pathlib.Path,
    images: str | pathlib.Path,
    maps: str | pathlib.Path | None,
    mask_values: bool,
    limits: Limits,
    accept_damaged: bool,
) -> Summary:
    """Prints a row per image, as JSON, as soon as it is known."""
    found = named(images)
    reader = readers.load(model_dir)
    tile_reader = TileReader.of(reader.description, limits, accept_damaged)
    map_folder = _map_folder(maps, found.files, mask_values, reader, tile_reader)
    rows = Rows(reader.calibration, [*found.notes, *reader.warnings])
    for row in scored(reader, tile_reader.read(found.files), rows, map_folder):
        print_rows([row], rows.columns)
        rows.add(row)
    return rows.summary()


def _map_folder(
    maps: str | pathlib.Path | None,
    paths: Sequence[pathlib.Path],
    mask_values: bool,
    reader: Reader,
    tile_reader: TileReader,
) -> MapFolder | None:
    """The folder for maps, if they are asked for. Raises ValueError if there are none to write."""
    if maps is None:
        return None
    if not reader.has_maps:
        raise ValueError(
            f"--maps={maps}: this model gives scores without maps. A run's folder or an exported"
            " version gives them, of a detector that reconstructs or locates."
        )
    return MapFolder(pathlib.Path(maps), paths, mask_values, tile_reader)
