"""What all tests share: each process computes on one thread, as jobs and pytest's workers run side by side.

No example has a deadline: machines are shared.
"""

import http.server
import os
import threading
from contextlib import contextmanager

import pytest
from hypothesis import settings

# Read by OpenMP, and by numpy's BLAS, when they are loaded: before the first import of either.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

settings.register_profile("without a deadline", settings(), deadline=None)
settings.load_profile("without a deadline")


@pytest.fixture(scope="session")
def serve():
    """Runs a web server on this machine, with a handler of requests, while a context lasts; gives its address."""

    @contextmanager
    def serve(handler):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()

    return serve
