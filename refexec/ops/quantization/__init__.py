"""onnx/defs/quantization: quantized levels and back."""
