"""The child process of ``shape_contract``: reads models from standard input, writes what onnx's shape inference says of their outputs.

Small files can hang or end onnx's inference, so it never runs in the process of the tests. Frames: 8 bytes of length, then the bytes.
"""

from __future__ import annotations

import json
import struct
import sys

import onnx
import onnx.shape_inference

__all__: list[str] = []


def inferred(content: bytes) -> list[str]:
    """The outputs' types, serialized and in hexadecimal. Raises what onnx raises."""
    model = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(content), check_type=True, strict_mode=True, data_prop=True)
    return [output.type.SerializeToString().hex() for output in model.graph.output]


def main() -> None:
    stream = sys.stdin.buffer
    while len(head := stream.read(8)) == 8:
        content = stream.read(struct.unpack("<Q", head)[0])
        try:
            answer = {"types": inferred(content)}
        except Exception as error:  # whatever onnx says of a model is an answer
            answer = {"error": [f"{type(error).__name__}: {error}"]}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
