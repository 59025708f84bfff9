"""The regions of anomalies, from the outputs of a detector for their tiles."""

from collections.abc import Mapping

import numpy as np

from tf_ssae.calibration import Description
from tf_ssae.data.reader import ReadFile
from tf_ssae.evaluation import maps, whole_map
from tf_ssae.evaluation.regions import Region, regions
from tf_ssae.ops.orientation import as_stored
from tf_ssae.scoring.map_folder import MapFolder


def regions_of(
    file: ReadFile,
    outputs: Mapping[str, np.ndarray],
    description: Description,
    map_folder: MapFolder | None,
) -> list[Region]:
    """The regions of an image, in the file's own pixels; writes its pictures, if there is a folder
    for them.

    Args:
        outputs: what its map is made of, for each of its tiles: see `maps.of_outputs`.
    """
    if map_folder is None and not _any_above(outputs, description):
        return []
    upright = whole_map.of_outputs(outputs, description, file.size)
    stored = as_stored(upright, file.orientation)
    found = regions(stored)
    if map_folder is not None:
        map_folder.write(file.path, stored, found, file.orientation)
    return found


def _any_above(outputs: Mapping[str, np.ndarray], description: Description) -> bool:
    """Whether there can be regions: a whole map is nowhere larger than those of its tiles."""
    return bool((maps.scaled(outputs, description.calibration.map_scale) > 1).any())
