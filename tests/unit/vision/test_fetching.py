"""Handwriting is fetched whole and as it was published, or not at all; each mistake is one line with the address."""

import hashlib
import http.server
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from metaocl.config.handwriting import IDX_FILES, Mnist
from metaocl.config.models import ConvNet
from metaocl.planning.inputs import handwriting_files, handwriting_version, with_handwriting_at
from metaocl.vision.handwriting import read_handwriting
from metaocl.vision.scenes import VisionError

SCRIPT = Path(__file__).parents[3] / "scripts/fetch_data.py"
CONTENT = bytes(range(200))
HASH = hashlib.sha256(CONTENT).hexdigest()
FILE = IDX_FILES[0]


@pytest.fixture(scope="module")
def server(serve):
    """The address of a web server on this machine: /whole has a file, /cut ends before it has given all."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if not self.path.startswith(("/whole/", "/cut/")):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:150] if self.path.startswith("/cut/") else CONTENT)

        def log_message(self, *arguments):
            pass

    with serve(Handler) as address:
        yield address


def fetch(url, folder, *options):
    command = [sys.executable, str(SCRIPT), "--url", url, "--data", "out/data.gz", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("options", [(), ("--sha256",), ("--sha256", HASH)], ids=["none", "empty", "its own"])
def test_a_file_is_fetched(server, tmp_path, options):
    run = fetch(f"{server}/whole/{FILE}", tmp_path, *options)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "out/data.gz").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("place", "options", "message"),
    [
        ("/whole", ("--sha256", "0" * 64), f"its SHA-256 is {HASH}; expected {'0' * 64}"),
        ("/cut", (), "cannot be fetched: 150 of 200 bytes came"),
        ("/elsewhere", (), "cannot be fetched: HTTP Error 404: Not Found"),
    ],
)
def test_what_cannot_be_had_is_one_line_and_leaves_nothing(server, tmp_path, place, options, message):
    run = fetch(f"{server}{place}/{FILE}", tmp_path, *options)
    assert (run.returncode, run.stderr) == (1, f"error: {server}{place}/{FILE}: {message}\n")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_server_that_cannot_be_reached_is_named(tmp_path):
    run = fetch(f"http://127.0.0.1:1/mnist/{FILE}", tmp_path)
    assert (run.returncode, len(run.stderr.splitlines())) == (1, 1)
    assert run.stderr.startswith(f"error: http://127.0.0.1:1/mnist/{FILE}: cannot be fetched: ")
    assert "Connection refused" in run.stderr
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give either folder"),
        ({"folder": "data", "url": "http://a/b"}, "give either folder"),
        ({"folder": "data", "sha256": {FILE: HASH}}, "sha256 is of files that are fetched"),
        ({"url": "ftp://a/b"}, "url"),
        ({"url": "http://a/b", "sha256": {"images.gz": HASH}}, "sha256"),
        ({"url": "http://a/b", "sha256": {FILE: HASH[1:]}}, "sha256"),
    ],
)
def test_a_mistaken_place_of_mnist_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        Mnist(**settings)


def test_jobs_read_what_was_fetched_from_its_folder():
    fetched = Mnist(url="http://a/b")
    assert handwriting_files(fetched, "folder") == [f"folder/{name}" for name in IDX_FILES]
    assert handwriting_version(fetched) == ""
    convnet = ConvNet(handwriting=fetched)
    assert with_handwriting_at(convnet, "folder").handwriting == Mnist(folder="folder")
    assert with_handwriting_at(ConvNet(), "folder") == ConvNet()
    with pytest.raises(VisionError, match=r"handwriting.url is 'http://a/b'; give the folder"):
        read_handwriting(fetched)
