"""Flags of the verbs that may work on a cluster, and what they say of it."""

import importlib.util

from absl import flags

from tf_ssae.cli.verb import Failed


def define(flag_values: flags.FlagValues, of: str) -> None:
    """Adds --cluster and --cpus. `of`: what is spread over its nodes."""
    flags.DEFINE_string(
        "cluster",
        None,
        f"Spread {of} over a Ray cluster: HOST:PORT of its head, or local for one of this machine's"
        " cores. Needs the extra [cluster].",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "cpus",
        1,
        "With --cluster: CPUs of each process on it.",
        lower_bound=1,
        flag_values=flag_values,
    )


def require_ray() -> None:
    """Raises Failed if Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise Failed("--cluster needs Ray: pip install 'tf_ssae[cluster]'.")
