"""Generated ONNX models: valid by construction, at every opset and type; campaigns that run them on several engines; a reducer."""
