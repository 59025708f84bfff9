"""`tf-ssae check`: what a run on a folder would find, and how long it would take."""

from typing import TYPE_CHECKING

from absl import flags

from tf_ssae.cli import plugins, quiet, settings
from tf_ssae.cli.verb import Failed, Verb
from tf_ssae.data import there

if TYPE_CHECKING:
    from tf_ssae.training import check

_LISTED = 10

_FLAGS = flags.FlagValues()
# A folder needs neither: what is not good is the anomaly, and its layout is the protocol.
settings.define(_FLAGS, without=("dataset", "anomaly", "protocol"))
plugins.define(_FLAGS)


def _run(arguments: list[str]) -> None:
    plugins.load(_FLAGS.plugin)
    chosen = settings.given(_FLAGS)
    there.require(settings.named({"dataset": "folder", **chosen}, _FLAGS.plugin))
    quiet.import_tensorflow()
    from tf_ssae.detectors.health import TrainingFailed
    from tf_ssae.detectors.registry import preset
    from tf_ssae.system.text import printable
    from tf_ssae.training import check

    made = preset("folder", **chosen)
    with check.loaded(made) as data:
        print(printable(_found(check.look(made, data), made.data_dir)), flush=True)
        print(_plan(check.plan(made, data)), flush=True)
        try:
            print(_estimate(check.estimate(made, data)))
        except TrainingFailed as error:
            raise Failed(str(error)) from error


def _found(found: "check.Found", data_dir: str) -> str:
    images = sum(found.sizes.values())
    size, _, channels = found.image_shape
    width = max(map(len, ("class", *found.counts)))
    lines = [f"{data_dir}: {images:,} images to use, {len(found.left_out):,} files left out."]
    lines += found.notes
    lines += [f"  {'class':{width}}{'train':>9}{'test':>9}"]
    lines += [
        f"  {name:{width}}{train:>9,}{test:>9,}" for name, (train, test) in found.counts.items()
    ]
    lines += [
        f"Size: {_sizes(found.sizes)}; {'colour' if channels == 3 else 'grey'}."
        f" {'Each is' if found.tiles == images else f'Cut into {found.tiles:,} square tiles,'}"
        f" seen at {size}x{size}."
    ]
    if found.masks:
        lines += [f"Masks: {found.masks[0]:,} of {found.masks[1]:,} anomalous images have one."]
    lines += _listed([f"Left out: {name}: {reason}." for name, reason in found.left_out])
    return "\n".join(lines)


def _sizes(sizes: dict[tuple[int, int], int]) -> str:
    (common, count), *others = sizes.items()
    if not others:
        return f"all {common[0]}x{common[1]} pixels"
    smallest, *_, largest = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    return (
        f"{smallest[0]}x{smallest[1]} to {largest[0]}x{largest[1]} pixels, most often"
        f" {common[0]}x{common[1]} ({count:,} images)"
    )


def _listed(lines: list[str]) -> list[str]:
    more = len(lines) - _LISTED
    return lines[:_LISTED] + ([f"... and {more:,} more."] if more > 0 else [])


def _plan(plan: "check.Plan") -> str:
    lines = [
        f"{plan.train:,} normal images to train on, {plan.held_out:,} held out for the threshold;"
        f" {plan.test:,} test images, {plan.anomalies:,} of them anomalies."
    ]
    if plan.twins:
        lines += [f"{plan.twins:,} test images equal a training image, as the networks see them."]
    guarantee = plan.guarantee or "no image is held out, so it guarantees nothing."
    return "\n".join([*lines, f"Threshold: {guarantee}"])


def _estimate(estimate: "check.Estimate") -> str:
    epochs = estimate.epochs
    return (
        f"Training would take about {_duration(estimate.seconds)} on this machine: an estimate,"
        f" from {estimate.timed:,} of {epochs * estimate.steps:,} steps ({epochs:,} epochs)."
        " Scoring the test images comes on top."
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


VERB = Verb(
    name="check",
    summary="Look at a folder of images before a long run: what is in it, how long it would take",
    example="--data_dir=parts",
    flag_values=_FLAGS,
    first={
        "The images": ("data_dir", "image_size", "crop", "tile_size"),
        "The threshold": ("calibration_share", "target_fpr"),
        "The run": ("detector", "epochs", "batch_size"),
    },
    run=_run,
    required=("data_dir",),
    note=settings.DEFAULTS,
)
