"""onnx/defs/reduction: reductions along axes."""
