"""onnx/defs/logical: comparisons, boolean and bitwise operators."""
