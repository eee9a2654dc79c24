"""onnx/defs/traditionalml: the operators of ai.onnx.ml."""
