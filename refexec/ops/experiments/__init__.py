"""Operators of onnx/defs/experiments in onnx 1.0 to 1.4, since removed. They run with a diagnostic; strict refuses them."""
