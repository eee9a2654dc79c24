"""onnx/defs/controlflow: If, Loop, Scan."""
