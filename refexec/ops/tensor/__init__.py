"""onnx/defs/tensor: shape, movement, selection, conversion of tensors."""
