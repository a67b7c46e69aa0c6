"""What all tests share: each process computes on one thread, as jobs and pytest's workers run side by side."""

import os

# Read by OpenMP, and by numpy's BLAS, when they are loaded: before the first import of either.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
