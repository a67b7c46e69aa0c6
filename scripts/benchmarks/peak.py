"""Print what the machine's device can do, as JSON: its name, null without a GPU, and its operations per second.

The peak is that of dense matrix products in bfloat16 on a GPU, by its data sheet where that is known here, and of a
product in float32 on the CPU, with as many threads as the argument says.
"""

from __future__ import annotations

import json
import sys
import time

import torch

DATA_SHEETS = {"A100": 312e12, "H100": 989e12}


def main() -> None:
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        known = [peak for part, peak in DATA_SHEETS.items() if part in name]
        operations = known[0] if known else multiply(8192, torch.device("cuda"), torch.bfloat16)
    else:
        name = None
        torch.set_num_threads(int(sys.argv[1]))
        operations = multiply(2048, torch.device("cpu"), torch.float32)
    print(json.dumps({"device": name, "operations": operations}))


def multiply(size: int, device: torch.device, dtype: torch.dtype, repeats: int = 20) -> float:
    """Operations per second of the fastest of some products of two square matrices."""
    left, right = torch.randn(2, size, size, device=device, dtype=dtype)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        # Reading a number waits for the device.
        (left @ right)[0, 0].item()
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times)


if __name__ == "__main__":
    main()
