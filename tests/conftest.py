"""What every test run needs: one BLAS thread per worker, the plugin that watches the rules, and pytester to test it."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported; the workers of pytest-xdist inherit it
os.environ.setdefault("REFEXEC_PROFILE", "reference")  # tests of operators are about their definitions

pytest_plugins = ["pytester", "tests.plugins.require_sites"]
