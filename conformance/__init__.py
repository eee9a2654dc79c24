"""The suites that prove refexec: see README.md in this folder."""

import os

os.environ.setdefault("REFEXEC_PROFILE", "reference")  # the definitions are what is compared with other oracles
