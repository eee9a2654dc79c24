"""onnx/defs/nn: convolution, pooling, normalisation, attention."""
