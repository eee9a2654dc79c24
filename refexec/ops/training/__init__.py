"""onnx/defs/training: the operators of ai.onnx.preview.training."""
