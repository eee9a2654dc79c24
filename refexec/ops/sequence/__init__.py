"""onnx/defs/sequence: sequences of tensors."""
