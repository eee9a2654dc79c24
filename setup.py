"""The package list; everything else stands in pyproject.toml.

`refexec.kernels` is named because its files stand in `kernels/` and a checkout without symbolic links has no `refexec/kernels`.
"""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["refexec", "refexec.*"], exclude=["refexec.kernels", "refexec.kernels.*"]), "refexec.kernels"])
