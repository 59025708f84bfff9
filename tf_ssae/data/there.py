"""Whether the images that a run needs are there: looked at before TensorFlow is loaded."""

import pathlib

from tf_ssae.config import Config
from tf_ssae.data import find, layout


def require(config: Config) -> None:
    """Raises FileNotFoundError if a folder that the settings name is missing, or holds no images or
    no prepared data set. What would be downloaded is not looked for.
    """
    if config.dataset == "folder":
        layout.read(config.data_dir)
    elif config.dataset != "digits" and config.data_dir:
        require_prepared(config.dataset, pathlib.Path(config.data_dir))
    if config.roi and not pathlib.Path(config.roi).is_file():
        raise FileNotFoundError(f"--roi={config.roi}: no such file.")
    if config.defects:
        find.find(pathlib.Path(config.defects))


def require_prepared(name: str, data_dir: pathlib.Path) -> None:
    """Raises FileNotFoundError if a folder of tensorflow-datasets does not hold this one."""
    if any((data_dir / name).glob("*/dataset_info.json")):
        return
    there = sorted(path.parent.parent.name for path in data_dir.glob("*/*/dataset_info.json"))
    raise FileNotFoundError(
        f"No prepared data set {name} in --data_dir={data_dir}: looked for"
        f" {data_dir / name}/VERSION/dataset_info.json. "
        + (
            f"Found there: {', '.join(there)}. "
            if there
            else (
                "Found no prepared data set at all there. "
                if data_dir.is_dir()
                else "That folder does not exist. "
            )
        )
        + "Leave --data_dir empty to download it."
    )
