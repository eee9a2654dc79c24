"""onnx/defs/preview: the operators of ai.onnx.preview."""
