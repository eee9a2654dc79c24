"""The executable specification: one folder per group of onnx/defs, one short function per behaviour of an operator."""
