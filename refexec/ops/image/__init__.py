"""onnx/defs/image: decoding of images."""
