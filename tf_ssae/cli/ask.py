"""`tf-ssae ask`: a server's scores and decisions for image files. REST needs no TensorFlow."""

from absl import flags

from tf_ssae.cli.verb import Failed, UsageError, Verb

_FLAGS = flags.FlagValues()
flags.DEFINE_string("model", None, "Name of the model.", flag_values=_FLAGS)
flags.DEFINE_string(
    "rest",
    None,
    "URL of the server's REST interface, such as http://localhost:8501.",
    flag_values=_FLAGS,
)
flags.DEFINE_string(
    "grpc",
    None,
    "Address of the server's gRPC interface, such as localhost:8500. Needs the extra [serving].",
    flag_values=_FLAGS,
)


def _run(arguments: list[str]) -> None:
    if not arguments or bool(_FLAGS.rest) == bool(_FLAGS.grpc):
        raise UsageError("ask needs image files, and either --rest or --grpc.")
    from tf_ssae.export import client

    try:
        answers = client.ask(arguments, _FLAGS.model, rest=_FLAGS.rest, grpc=_FLAGS.grpc)
        for number, answer in enumerate(answers):
            if number == 0:
                print("\t".join(["file", *answer.scores, "decision", "error"]))
            values = [f"{value:.6g}" for value in answer.scores.values()]
            print("\t".join([answer.path, *values, answer.decision, answer.error]), flush=True)
    except client.ServerError as error:
        raise Failed(str(error)) from error


VERB = Verb(
    name="ask",
    summary="Ask a TF Serving server about image files: scores and decisions",
    example="--model=NAME --rest=http://localhost:8501 part1.png part2.jpg",
    flag_values=_FLAGS,
    first={"The server": ("model", "rest", "grpc")},
    run=_run,
    required=("model",),
    takes_files=True,
)
