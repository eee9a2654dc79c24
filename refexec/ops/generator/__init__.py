"""onnx/defs/generator: constants, ranges, random numbers."""
