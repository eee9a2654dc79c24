"""The suites that prove refexec: see README.md in this folder."""
