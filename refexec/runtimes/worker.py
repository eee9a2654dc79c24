"""The child process: ``python -m refexec.runtimes.worker ENGINE`` answers requests on its standard streams until they close."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from refexec.errors import UnsupportedError
from refexec.runtimes.wire import Refused, receive, send

__all__ = ["main"]

Engine = Callable[[Mapping[str, Any]], dict[str, Any]]


def main(engine: str) -> None:
    """Serve. Whatever libraries print to standard output goes to standard error; the stream of answers is kept apart."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = os.fdopen(os.dup(0), "rb")
    try:
        run = _engine(engine)
    except Exception as error:
        send(answers, {"error": f"{type(error).__name__}: {error}"})
        return
    send(answers, {"ready": True})
    while (request := receive(requests, 1 << 62)) is not None:
        send(answers, _answer(run, request))


def _engine(name: str) -> Engine:
    if name == "onnxruntime":
        from refexec.runtimes.onnxruntime_engine import run

        return run
    from refexec.runtimes.reference_engine import run as run_reference

    return run_reference


def _answer(run: Engine, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return run(request)
    except Refused as error:
        return {"error": str(error), "stage": error.stage}
    except UnsupportedError as error:
        return {"unsupported": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "stage": "run"}


if __name__ == "__main__":
    main(sys.argv[1])
