"""Keys, certificates, and clients that show and check them."""

import re
import subprocess

import requests

from server import PATIENCE

KEYS = ("first-key-0123456789", "second-key-0123456789")
PORT_OF_LINE = re.compile(r"address=\S+:(\d+) ")


def key_fields(key=KEYS[0]):
    return {"Authorization": f"Bearer {key}"}


def write_keys(path, *keys):
    path.write_text("# who may call\n\n" + "".join(f"{key}\n" for key in keys))
    return path


def make_certificate(folder, name="server", key_options=("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")):
    """The paths of a certificate for 127.0.0.1 that vouches for itself, and of its key, of OpenSSL's kind."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            *key_options,
            "-noenc",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    return certificate, key


def port_of(server, role):
    """The port of a server's first TCP listener with a role."""
    return int(PORT_OF_LINE.search(server.wait_for_log(f"listener.role={role}", PORT_OF_LINE))[1])


def ask(url, method="GET", **options):
    """Asks without a record: these answers are not those of the document's servers."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=PATIENCE, **options)
