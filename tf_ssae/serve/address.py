"""The address of a server: taken before anything is loaded."""

import socket


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to an address, which nobody can connect to yet.

    Args:
        host: an address or name of this machine.
        port: 0 for any that is free.

    Raises:
        OSError: it is taken, or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    # A server that has just ended leaves its port waiting for a minute.
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise OSError(
            f"--host={host} --port={port}: {error.strerror}. Pass another, such as --port=0 for any"
            " that is free."
        ) from error
    return found


def url(of: socket.socket) -> str:
    """Of the server at a bound socket."""
    host, port, *_ = of.getsockname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
