"""onnx/defs/math: elementwise arithmetic, functions, products, softmax, losses, spectra."""
