"""Keys, and clients that show them."""

import re

import requests

from server import PATIENCE

KEYS = ("first-key-0123456789", "second-key-0123456789")
PORT_OF_LINE = re.compile(r"address=\S+:(\d+) ")


def key_fields(key=KEYS[0]):
    return {"Authorization": f"Bearer {key}"}


def write_keys(path, *keys):
    path.write_text("# who may call\n\n" + "".join(f"{key}\n" for key in keys))
    return path


def port_of(server, role):
    """The port of a server's first TCP listener with a role."""
    return int(PORT_OF_LINE.search(server.wait_for_log(f"listener.role={role}", PORT_OF_LINE))[1])


def ask(url, method="GET", **options):
    """Asks without a record: these answers are not those of the document's servers."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=PATIENCE, **options)
