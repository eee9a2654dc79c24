"""Tests of the operators, in the folders of refexec.ops."""
