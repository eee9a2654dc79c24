"""onnx/defs/optional: optional values."""
