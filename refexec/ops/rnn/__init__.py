"""onnx/defs/rnn: recurrent layers."""
