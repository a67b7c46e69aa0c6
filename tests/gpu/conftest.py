"""The device that the tests in this folder compare with the CPU."""

from __future__ import annotations

import pytest
import torch


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stand-in", action="store_true", help="rehearse the tests on the CPU")


@pytest.fixture(scope="session")
def device(pytestconfig: pytest.Config) -> torch.device:
    if pytestconfig.getoption("--stand-in"):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU; --stand-in lets the CPU stand in")
    return torch.device("cuda")
