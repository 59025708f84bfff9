"""Stored results of grids that no training made: a few milliseconds each."""

import base64
import io

import numpy as np
from PIL import Image

from thesis import results
from thesis.grids import GRIDS, Scale

FULL = Scale()
SCORES = {
    "egbad": ("a_egbad",),
    "ganomaly": ("a_ganomaly",),
    "ensemble": ("a_rec", "a_cls", "a_ws", "a_max"),
    "ssae": ("a_rec", "a_cls", "a_ws", "a_max"),
    "autoencoder": ("a_rec",),
    "rotation": ("a_cls",),
    "locator": ("a_rec", "a_log", "a_peak", "a_area", "a_fea", "a_tex", "a_win", "a_def", "a_all"),
}


class Store:
    """Writes made-up results into a folder."""

    def __init__(self, root):
        self.root = root

    def add(
        self, run, precision, grid="table_5_1", scale=FULL, failed=None, warning=None, **changes
    ):
        """Stores a grids.Run whose scores have this average precision: a number, or a dict of them
        by score.
        """
        scores = {
            score: dict.fromkeys(
                ("average_precision", "auroc", "pr_auc_trapezoid", "average_precision_at_0.1"),
                precision[score] if isinstance(precision, dict) else precision,
            )
            for score in SCORES[run.detector]
        }
        learnt = np.linspace(0.5, 0.9, 5)
        value = {
            "format": results.FORMAT,
            "grid": grid,
            "scale": {
                "max_train_images": 0,
                "epochs": 0,
                "max_test_images": 0,
                "rotations": "",
                **scale.settings,
            },
            "name": run.name,
            "settings": dict(run.settings),
            "failed": failed,
            "command": results.run_command(grid, scale, name=run.name),
            "seconds": 60.0,
            "versions": {"tensorflow": "2.21.0"},
            "git_revision": "0123456789abcdef",
            "config": {
                **{"batch_size": 64, "epochs": 5, "max_train_images": 0, "learning_rate": 1e-4},
                **GRIDS[grid].config_settings(run, scale),
            },
            "split_fingerprint": f"{run.dataset} {run.anomaly}",
            "metrics": None
            if failed
            else {
                "share": 0.357,
                "train_images": 6000,
                "scores": scores,
                **(
                    {"health": {"reconstruction_explained": 0.5, "warnings": [warning]}}
                    if warning
                    else {}
                ),
            },
            "history": [
                {
                    "epoch": i + 1,
                    "test_rotation_accuracy_normal": a,
                    "test_rotation_accuracy_anomalous": a - 0.1 * (i > 1),
                }
                for i, a in enumerate(learnt)
            ],
            **dict.fromkeys(
                ("reconstructions", "reconstructions_of_anomalies"),
                strip() if run.detector in ("ssae", "ensemble") else None,
            ),
            **changes,
        }
        path = results.path_of(self.root, grid, scale, run.name)
        assert results.write(path, value)
        return path

    def load(self, grid="table_5_1", scale=None):
        return results.load(self.root, grid, scale)


def strip():
    output = io.BytesIO()
    Image.fromarray(np.tile(np.arange(320, dtype=np.uint8) // 2, (66, 1))).save(output, "PNG")
    return base64.b64encode(output.getvalue()).decode()


def fill_one_seed(store):
    """All systems on all configurations, one seed, but for two runs that are missing and one that
    failed.
    """
    random = np.random.default_rng(0)
    for run in GRIDS["table_5_1"].select(seed=[0]):
        if run.name in ("cifar10-8-ssae-seed-0", "cifar10-9-egbad-seed-0"):
            continue
        values = {score: float(random.uniform(0.3, 0.9)) for score in SCORES[run.detector]}
        broken = "The decoder died." if run.name == "fashion_mnist-3-ssae-seed-0" else None
        collapsed = (
            "The generator collapsed." if run.detector == "egbad" and run.anomaly == 4 else None
        )
        store.add(run, values, failed=broken, warning=collapsed)
