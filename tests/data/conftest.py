"""A private cache for every test, stand-ins for MNIST, and a server to misbehave."""

import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy
import pytest

from minigan.data import mnist
from minigan.data.idx import idx_header


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder that the cache will be made in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("MINIGAN_DATA", raising=False)
    return tmp_path / "xdg" / "minigan"


@pytest.fixture
def tiny(monkeypatch):
    """{name: raw bytes} of four small files that stand for MNIST's, and are in its table of hashes."""
    rng = numpy.random.default_rng(0)
    raw, table = {}, {}
    for name in mnist.FILES:
        shape = (6, 4, 5) if "images" in name else (6,)
        raw[name] = idx_header(shape) + rng.integers(0, 256, shape, dtype="uint8").tobytes()
        table[name] = shape, hashlib.sha256(raw[name]).hexdigest()
    monkeypatch.setattr(mnist, "FILES", table)
    return raw


@pytest.fixture
def packed(tiny):
    """{NAME.gz: body} of the same."""
    return {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in tiny.items()}


class Server(ThreadingHTTPServer):
    """Answers /FOLDER/FILE with routes[FOLDER](handler, FILE); `asked` lists the paths."""

    daemon_threads = True

    def __init__(self):
        self.routes, self.asked, self.stop = {}, [], threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    def mirror(self, folder, route):
        self.routes[folder] = route
        return f"http://127.0.0.1:{self.server_port}/{folder}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        folder, file = self.path.strip("/").split("/")
        try:
            self.server.routes[folder](self, file)
        except OSError:
            pass  # the client has left

    def answer(self, body, length=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.stop.set()
    server.shutdown()
    thread.join()
    server.server_close()
