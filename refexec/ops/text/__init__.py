"""onnx/defs/text: strings."""
