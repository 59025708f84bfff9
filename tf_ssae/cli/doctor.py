"""`tf-ssae doctor`: what a .tflite file needs of a device."""

import pathlib

from absl import flags

from tf_ssae.cli import quiet
from tf_ssae.cli.verb import UsageError, Verb


def _run(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise UsageError("doctor needs one .tflite file.")
    path = pathlib.Path(arguments[0])
    if not path.is_file():
        raise FileNotFoundError(f"No such file: {path}.")
    with quiet.native_code():
        from tf_ssae.export import doctor, timing

        found = doctor.examine(path)
        operators = [f"{name} x{count}" for name, count in found["operators"].items()]
        print(f"operators: {', '.join(operators)}")
        print(f"needs Flex: {', '.join(found['flex']) or 'no'}")
        print(f"size: {found['bytes']:,} bytes, of which weights {found['weight_bytes']:,}")
        print(f"memory for activations: {found['arena_bytes']:,} bytes")
        if found["flex"]:
            return
        try:
            speed = timing.of_tflite(path.read_bytes())
        # A file of another kind cannot be timed; what it holds was printed all the same.
        except Exception as error:
            print(f"not timed: {error}")
            return
    print(
        f"one invocation on one core here: {speed['latency_ms']:.2f} ms (99th percentile"
        f" {speed['latency_p99_ms']:.2f})"
    )


VERB = Verb(
    name="doctor",
    summary="Show what a .tflite file needs of a device: operators, memory, time",
    example="exported/NAME/1/tflite/int8.tflite",
    flag_values=flags.FlagValues(),
    first={},
    run=_run,
    takes_files=True,
)
