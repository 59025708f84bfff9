"""Full disks: train, score, export and calibrate on file systems of a few megabytes. A command that
finds no room says so in one sentence, leaves nothing half-written, and is finished by the same
command when there is room: weights, rows and folders as on a disk with room.

    unshare --map-root-user --mount python tests/campaigns/disk.py --sizes=1,2,4,8,16,32

Mounting needs a superuser, if only one of the process's own, as `unshare` makes it. Each file
system grows by half whenever it was full.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import commands
import death


def campaign(size: float) -> dict:
    """All commands on a file system of so many megabytes. Returns how often it was full for each,
    its size in the end, and what went wrong.
    """
    found: dict = {"full": {}, "wrong": []}
    with tempfile.TemporaryDirectory() as place:
        _mount(place, size)
        try:
            work, scratch = pathlib.Path(place) / "work", pathlib.Path(place) / "tmp"
            work.mkdir()
            scratch.mkdir()
            for name, arguments, seen in _commands(work):
                full = 0
                while (how := commands.run(arguments, scratch=str(scratch))).status:
                    full += 1
                    if not _is_one_sentence(how) or seen.exists() or _half_written(work):
                        found["wrong"].append(f"{name} on {size:.1f} MB: {how}")
                    size *= 1.5
                    _mount(place, size, "remount")
                    if full > 20:
                        break
                found["full"][name] = full
            found["size"], found["seen"] = size, _seen(work)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)
    return found


def _mount(place: str, size: float, how: str = "rw") -> None:
    kilobytes = int(1024 * size)
    options = f"{how},size={kilobytes}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)


def _commands(work: pathlib.Path) -> list[tuple[str, list[str], pathlib.Path]]:
    """Names, arguments, and what is there when a command has succeeded, and not before."""
    run, table, exported = work / "run", work / "scores.jsonl", work / "exported"
    settings = [f"--{name}={value}" for name, value in commands.SETTINGS.items()]
    return [
        ("train", ["train", *settings, f"--model_dir={run}"], run),
        (
            "score",
            ["score", f"--model_dir={run}", f"--images={_images}", f"--output={table}"],
            table,
        ),
        (
            "export",
            ["export", f"--model_dir={run}", f"--export_dir={exported}", "--name=parts"],
            exported / "parts" / "1",
        ),
        (
            "calibrate",
            ["calibrate", f"--model_dir={run}", f"--images={_images}"],
            run / "calibrations" / "1.json",
        ),
    ]


def _is_one_sentence(how: commands.Ended) -> bool:
    lines = how.said.strip().splitlines()
    full = "disk is full" in how.said or "No space left" in how.said
    return how.status == 1 and full and len(lines) == 1 and not how.left


def _half_written(work: pathlib.Path) -> list[pathlib.Path]:
    return [*work.rglob(".exporting-*"), *work.rglob("*.tmp")]


def _seen(work: pathlib.Path) -> dict:
    run, exported = work / "run", work / "exported"
    return {
        **{f"run {key}": value for key, value in death.seen_of_run(work).items() if key != "files"},
        **{f"rows {key}": value for key, value in death.seen_of_table(work).items()},
        **{f"export {key}": value for key, value in death.seen_of_export(exported).items()},
        "calibration": death.seen_of_calibration(work)["calibration"],
        "in the run": death.listed(run),
    }


def main(sizes: list[float]) -> list[str]:
    """What went wrong."""
    global _images
    commands.export_quickly()
    with tempfile.TemporaryDirectory() as images:
        _images = pathlib.Path(images)
        death.write_goods(_images)
        expected, wrong = campaign(1000.0), []
        assert set(expected["full"].values()) == {0}, expected
        for size in sizes:
            found = campaign(size)
            for text in found["wrong"]:
                wrong.append(text)
            if found["seen"] != expected["seen"]:
                wrong.append(f"{size} MB: {death.difference(expected['seen'], found['seen'])}")
            print(f"{size} MB: full {found['full']}, enough {found['size']:.1f} MB", flush=True)
    print(*wrong, sep="\n")
    return wrong


_images = pathlib.Path()

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1,2,3,5,8,12,16,20,25,30,35,40")
    sizes = [float(size) for size in parser.parse_args().sizes.split(",")]
    sys.exit(bool(main(sizes)))
