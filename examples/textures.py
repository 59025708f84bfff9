"""Draws an inspection data set to try things on: made-up photos of a printed twill, good ones and
ones with defects, in MVTec AD's layout.

    python examples/textures.py --output=textures

It is made up, and says nothing about how well a detector does on real parts.
"""

import os
import pathlib
import sys
import tempfile

import numpy as np
from absl import app, flags
from PIL import Image, ImageDraw
from scipy import ndimage

_OUTPUT = flags.DEFINE_string("output", None, "Folder to write; it must not exist.", required=True)
_IMAGES = flags.DEFINE_integer(
    "images",
    400,
    "Number of normal images to train on; test images are added in proportion.",
    lower_bound=1,
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "The same seed writes the same files. With more images, the earlier ones stay the same.",
    lower_bound=0,
)
_SIZE = flags.DEFINE_integer(
    "size", 96, "Height and width of the images in pixels.", lower_bound=32
)

DEFECTS = ("scratch", "stain", "hole", "misprint")

_OVERSAMPLING = 2
_THREADS = 30  # across the image, both ways
# A defect is marked where it changes what falls on the sensor by this many of 255 grey levels. The
# noise's deviation is 2 to 5.
_VISIBLE = 8.0

_WARP, _WEFT = np.array([0.62, 0.57, 0.49]), np.array([0.76, 0.71, 0.62])
_NAVY, _RUST = np.array([0.10, 0.13, 0.24]), np.array([0.50, 0.17, 0.10])
_BACKING = np.array([0.05, 0.05, 0.06])
_STAINS = np.array([[0.42, 0.33, 0.20], [0.30, 0.31, 0.33], [0.48, 0.26, 0.16], [0.95, 0.93, 0.88]])


def write(output, images=400, seed=0, size=96):
    """Writes the data set: `train/good`, `test/good`, `test/DEFECT` and `ground_truth/DEFECT` with
    one mask per image.

    Args:
        output: the folder to write. It gets this name when it is complete.
        images: number of normal images to train on, at least 1; a quarter as many are for testing,
            and a tenth as many, at least 10, of every defect.
        seed: int from 0. The same seed writes the same files; every image has random numbers of its
            own, so with more images the earlier ones stay the same.
        size: height and width of the images, from 32.

    Raises:
        ValueError: for `images` or `size` below these.
        FileExistsError: if `output` exists.
    """
    output = pathlib.Path(output)
    if images < 1 or size < 32:
        raise ValueError(
            f"images={images}, size={size}: expected at least 1 image of at least 32 pixels."
        )
    if os.path.lexists(output):
        raise FileExistsError(f"{output} already exists. Remove it, or name another folder.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as temporary:
        folder = pathlib.Path(temporary) / output.name
        for part, (name, count) in enumerate([("train", images), ("test", max(images // 4, 1))]):
            for i, random in enumerate(_generators(seed, part, count)):
                _save(normal(random, size), folder / name / "good" / f"{i:04}.png")
        for part, defect in enumerate(DEFECTS, start=2):
            for i, random in enumerate(_generators(seed, part, max(images // 10, 10))):
                _, image, mask = defective(random, size, defect)
                _save(image, folder / "test" / defect / f"{i:04}.png")
                _save(
                    np.where(mask, np.uint8(255), np.uint8(0)),
                    folder / "ground_truth" / defect / f"{i:04}_mask.png",
                )
        os.rename(folder, output)


def normal(random, size):
    """An image of a part without a defect, uint8 `[size, size, 3]`."""
    photo = _Photo(random, size)
    return photo.develop(photo.expose(*photo.cloth(*photo.inks())))


def defective(random, size, defect):
    """An image of a part with one of `DEFECTS`, the same image of the same part without it, and
    where they differ.

    Returns:
        `clean` and `image`, uint8 `[size, size, 3]`, and `mask`, bool `[size, size]`, where the
        defect is seen. Outside `mask` the two are equal.
    """
    photo = _Photo(random, size)
    clean = photo.expose(*photo.cloth(*photo.inks()))
    mask = np.zeros([size, size], bool)
    while mask.sum() < 0.002 * size**2:  # too faint, too small or out of the image
        exposed = _DEFECTS[defect](photo, random)
        mask = _visible(exposed - clean)
    clean, image = photo.develop(clean), photo.develop(exposed)
    return clean, np.where(mask[..., None], image, clean), mask


def _visible(change):
    """Where a change `[S, S, 3]`, in grey levels, is seen: bool `[S, S]`."""
    # Closed over a thread's width: a stain changes little between two threads, and a mask should
    # not show the weave.
    width = max(change.shape[0] // _THREADS, 3)
    visible = ndimage.grey_closing(np.abs(change).max(axis=-1), size=[width, width]) >= _VISIBLE
    regions, _ = ndimage.label(visible, np.ones([3, 3]))
    large = np.bincount(regions.ravel()) >= 0.0008 * visible.size
    return visible & large[regions]


class _Photo:
    """One part before one camera: all that differs between images, drawn once, so that the photo
    can be taken again with a defect.

    Fields are `[H, H]` with `H = _OVERSAMPLING * size`. `x` (to the right) and `y` (down) are
    positions on the part, in image widths, 0 in the middle.
    """

    def __init__(self, random, size):
        self.size, self.side = size, _OVERSAMPLING * size
        self.noise = random.normal(size=[size, size, 3])
        self._pose(random)
        self._weave(random)
        # The print differs a little in place and in the amount of ink from part to part.
        self.register = random.normal(0.0, 0.006, size=2)
        self.density = np.clip(
            0.88 + 0.04 * self.field(random, 4) + random.normal(0.0, 0.03), 0.0, 1.0
        )
        self.bleed = 0.004 * self.field(random, _THREADS)
        self._light(random)

    def field(self, random, rows, columns=None):
        """Smooth noise `[H, H]` with about unit variance, of `rows` by `columns` (default: as many)
        cells.
        """
        cells = random.normal(size=[rows + 2, (columns or rows) + 2]).astype(np.float32)
        stretched = Image.fromarray(cells).resize([self.side, self.side], Image.Resampling.BICUBIC)
        return np.asarray(stretched) * 1.3

    def _pose(self, random):
        turn, scale = (
            np.deg2rad(np.clip(random.normal(0.0, 1.5), -4.0, 4.0)),
            random.uniform(0.95, 1.05),
        )
        shift = random.uniform(-0.035, 0.035, size=2)
        axis = (np.arange(self.side) + 0.5) / self.side - 0.5
        across, down = np.meshgrid(axis, axis)
        self.across, self.down = across, down
        # The last term: cloth is never quite flat.
        self.x = (
            (np.cos(turn) * across + np.sin(turn) * down) / scale
            + shift[0]
            + 0.004 * self.field(random, 3)
        )
        self.y = (
            (np.cos(turn) * down - np.sin(turn) * across) / scale
            + shift[1]
            + 0.004 * self.field(random, 3)
        )

    def _weave(self, random):
        """A 2/2 twill: every thread goes over two and under two, one further on in every row, so it
        has a diagonal.
        """
        u = self.x * _THREADS + random.uniform(0, 4) + 0.10 * self.field(random, 6, 2 * _THREADS)
        v = self.y * _THREADS + random.uniform(0, 4) + 0.10 * self.field(random, 2 * _THREADS, 6)
        i, j = np.floor(u), np.floor(v)
        self.warp_is_up = (i + j) % 4 < 2
        # Round across, and along from where a thread comes up to where it goes down.
        warp = np.abs(np.sin(np.pi * u)) * (0.65 + 0.35 * np.sin(np.pi / 2 * (v + i)))
        weft = np.abs(np.sin(np.pi * v)) * (0.65 - 0.35 * np.sin(np.pi / 2 * (u + j)))
        self.height = np.where(self.warp_is_up, warp, weft)
        self.u, self.v = u, v
        tint = 1.0 + random.normal(0.0, 0.012, size=3)
        self.fibre = np.where(self.warp_is_up[..., None], _WARP, _WEFT) * tint
        # Yarn is uneven: between threads, along a thread, and by the fibre.
        warps = 0.040 * self.field(random, 3, _THREADS) + 0.04 * self.field(
            random, 4 * _THREADS, 2 * _THREADS
        )
        wefts = 0.040 * self.field(random, _THREADS, 3) + 0.04 * self.field(
            random, 2 * _THREADS, 4 * _THREADS
        )
        self.fibre *= (
            1.0 + np.where(self.warp_is_up, warps, wefts) + 0.02 * self.field(random, 5)
        )[..., None]

    def _light(self, random):
        angle = random.normal(-2.2, 0.35)  # from the upper left
        self.towards_light = np.cos(angle), np.sin(angle)
        slope = random.uniform(0.05, 0.30)
        fall_off = random.uniform(0.0, 0.25) * 2 * (self.across**2 + self.down**2)
        self.light = (
            1.0 + slope * (self.across * np.cos(angle) + self.down * np.sin(angle)) - fall_off
        )
        self.brightness, self.contrast = random.normal(1.0, 0.07), random.normal(1.0, 0.06)
        self.white_balance = 1.0 + random.normal(0.0, 0.012, size=3)
        self.focus = random.uniform(0.35, 0.6)
        self.read_noise, self.shot_noise = random.uniform(0.8, 1.8), random.uniform(0.10, 0.22)

    def inks(self, misplaced=lambda x, y: (x, y)):
        """How much of each ink is on the cloth, navy and rust, both 0..1. `misplaced` moves the
        arrow and the bar.
        """
        x, y = self.x + self.register[0] + self.bleed, self.y + self.register[1] + self.bleed
        stripes = _inside(np.minimum(np.abs(x + 0.37) - 0.035, np.abs(x - 0.38) - 0.013))
        thin = _inside(np.abs(x + 0.30) - 0.009)
        x, y = misplaced(x, y)
        head = np.maximum(0.85 * np.abs(x) - 0.53 * (y + 0.30), y + 0.02)
        shaft = np.maximum(np.abs(x) - 0.065, np.maximum(-y - 0.05, y - 0.17))
        bar = np.maximum(np.abs(x) - 0.15, np.abs(y - 0.245) - 0.025)
        navy = np.maximum(stripes, _inside(np.minimum(head, shaft)))
        return navy * self.density, np.maximum(thin, _inside(bar)) * self.density

    def cloth(self, navy, rust):
        """The part's height `[H, H]`, about 0..1, and colour `[H, H, 3]`."""
        # Ink is pressed on from above: it takes less between the threads.
        taken = np.clip(0.6 + 0.55 * self.height, 0.0, 1.0)
        colour = self.fibre
        for ink, amount in [(_RUST, rust), (_NAVY, navy)]:
            colour = colour + (amount * taken)[..., None] * (
                ink * (0.6 + 0.6 * self.fibre) - colour
            )
        return self.height, colour

    def expose(self, height, colour):
        """What falls on the sensor, float `[size, size, 3]` in grey levels, before noise."""
        down, across = np.gradient(height, 1.0 / self.side)
        slope = (across * self.towards_light[0] + down * self.towards_light[1]) / (np.pi * _THREADS)
        shade = self.light * np.clip(0.62 + 0.38 * height - 0.20 * slope, 0.02, None)
        seen = colour * shade[..., None] * self.brightness * self.white_balance
        seen = ndimage.gaussian_filter(
            seen, [self.focus * _OVERSAMPLING, self.focus * _OVERSAMPLING, 0]
        )
        seen = seen.reshape(self.size, _OVERSAMPLING, self.size, _OVERSAMPLING, 3).mean(axis=(1, 3))
        # The curve of a camera, then its contrast.
        return 255.0 * (0.5 + self.contrast * (np.clip(seen, 0.0, None) ** (1 / 1.45) - 0.5))

    def develop(self, exposed):
        """The finished image, uint8 `[size, size, 3]`; the same noise each time."""
        deviation = self.read_noise + self.shot_noise * np.sqrt(np.clip(exposed, 0.0, 255.0))
        return np.clip(np.round(exposed + deviation * self.noise), 0, 255).astype(np.uint8)

    def blob(self, random, radius, roughness):
        """An uneven disc somewhere in the image: the distance from its middle `[H, H]`, 1 at its
        edge.
        """
        x, y = self.across - random.uniform(-0.4, 0.4), self.down - random.uniform(-0.4, 0.4)
        turn, stretch = random.uniform(0, np.pi), random.uniform(1.0, 1.7)
        along, aside = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
        distance = np.hypot(along / stretch, aside * stretch) / radius
        cells = int(np.clip(1.2 / radius, 4, self.side // 4))
        return distance * np.exp(roughness * self.field(random, cells))


def _inside(distance, edge=0.008):
    """0..1: 1 where `distance` is negative, with an edge of this width."""
    return np.clip(0.5 - distance / edge, 0.0, 1.0)


def _scratch(photo, random):
    """A curved line, rubbed or cut: ink comes off, fibres stand up along one side."""
    length, turn, bend = (
        random.uniform(0.15, 0.7),
        random.uniform(0, np.pi),
        random.normal(0.0, 0.12),
    )
    t = np.linspace(-0.5, 0.5, 33)
    along, aside = (
        length * t,
        length * bend * (1 - 4 * t**2) + np.interp(t, t[::8], random.normal(0.0, 0.004, size=5)),
    )
    x = random.uniform(-0.35, 0.35) + np.cos(turn) * along - np.sin(turn) * aside
    y = random.uniform(-0.35, 0.35) + np.sin(turn) * along + np.cos(turn) * aside
    line = Image.new("1", [photo.side, photo.side])
    ImageDraw.Draw(line).line(
        [(a, b) for a, b in zip((x + 0.5) * photo.side, (y + 0.5) * photo.side)], fill=1
    )
    distance = ndimage.distance_transform_edt(~np.asarray(line)) / photo.side
    width = random.uniform(0.007, 0.018)
    depth = np.exp(-((distance / width) ** 2)) * np.clip(
        0.9 + 0.35 * photo.field(random, 8), 0.0, 1.0
    )
    strength = random.uniform(0.5, 1.0)
    navy, rust = photo.inks()
    kept = 1.0 - strength * depth
    height, colour = photo.cloth(navy * kept, rust * kept)
    rubbed = random.choice([0.5, -0.6]) * strength * depth  # fluff is lighter, a cut is darker
    return photo.expose(height * (1 - 0.7 * strength * depth), colour * (1 + rubbed)[..., None])


def _stain(photo, random):
    """A soaked patch, darker or bleached, some with the ring that a drop leaves."""
    distance = photo.blob(random, random.uniform(0.05, 0.18), 0.12)
    soaked = np.clip((1.0 - distance) / random.uniform(0.15, 0.6), 0.0, 1.0)
    ring = random.choice([0.0, 0.5]) * np.exp(-(((distance - 0.92) / 0.08) ** 2))
    opacity = random.uniform(0.4, 0.9) * np.clip(0.7 * soaked + ring, 0.0, 1.0)[..., None]
    height, colour = photo.cloth(*photo.inks())
    return photo.expose(
        height, colour + opacity * (_STAINS[random.integers(len(_STAINS))] - colour)
    )


def _hole(photo, random):
    """A gap in the cloth with a frayed rim, or only thin there, with threads left across."""
    distance = photo.blob(random, random.uniform(0.02, 0.075), 0.18)
    gone = _inside(distance - 1.0, 0.3)
    threads = photo.u if random.random() < 0.5 else photo.v
    left = np.cos(2 * np.pi * threads) < -0.4
    gone = gone * np.where(left, random.uniform(0.2, 1.0), random.uniform(0.8, 1.0))
    rim = np.exp(-(((distance - 1.15) / 0.2) ** 2)) * np.clip(
        0.5 + 0.5 * photo.field(random, 2 * _THREADS), 0.0, 1.0
    )
    height, colour = photo.cloth(*photo.inks())
    colour = colour + rim[..., None] * (0.25 * photo.fibre)
    colour = colour + gone[..., None] * (_BACKING - colour)
    return photo.expose(height * (1 - gone) + 0.4 * rim, colour)


def _misprint(photo, random):
    """The arrow is out of place, turned or printed twice, or a part of the print is
    short of ink.
    """
    kind = random.choice(["moved", "turned", "doubled", "starved"])
    if kind == "starved":
        share = random.uniform(0.5, 1.0) * _inside(
            photo.blob(random, random.uniform(0.12, 0.3), 0.25) - 1.0, 0.3
        )
        navy, rust = photo.inks()
        return photo.expose(*photo.cloth(navy * (1 - share), rust * (1 - share)))
    if kind == "turned":
        angle = random.choice(
            [np.pi / 2, -np.pi / 2, np.pi, *np.deg2rad(random.uniform(8, 35, 3) * [1, -1, 1])]
        )
        shift = np.zeros(2)
    else:
        angle, direction = 0.0, random.uniform(0, 2 * np.pi)
        shift = random.uniform(0.045, 0.12) * np.array([np.cos(direction), np.sin(direction)])

    def misplaced(x, y):
        return (
            np.cos(angle) * x + np.sin(angle) * y + shift[0],
            np.cos(angle) * y - np.sin(angle) * x + shift[1],
        )

    navy, rust = photo.inks(misplaced)
    if kind == "doubled":
        ghost = random.uniform(0.3, 0.8)
        navy, rust = [
            np.maximum(once, ghost * again) for once, again in zip(photo.inks(), (navy, rust))
        ]
    return photo.expose(*photo.cloth(navy, rust))


_DEFECTS = {"scratch": _scratch, "stain": _stain, "hole": _hole, "misprint": _misprint}


def _generators(seed, part, count):
    """The random numbers of each image of a part of the data set: grandchildren of `seed`, whatever
    their count.
    """
    return (
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(part, i)))
        for i in range(count)
    )


def _save(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(
            f"Unexpected arguments: {' '.join(argv[1:])}. Flags look like --name=value."
        )
    try:
        write(_OUTPUT.value, images=_IMAGES.value, seed=_SEED.value, size=_SIZE.value)
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    app.run(main)
