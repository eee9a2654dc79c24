"""onnx/defs/object_detection: boxes and regions."""
