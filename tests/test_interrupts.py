"""Long kernels heed deadlines and Ctrl-C, and a session serves several threads and a child of fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from refexec import pool
from refexec.errors import LimitExceeded
from refexec.limits import Limits
from tests.models import session

LONG: dict[str, tuple[str, dict[str, Any]]] = {  # each takes seconds
    "MatMul": ("(float[M, K] a, float[K, M] b) => (float[M, M] y) { y = MatMul(a, b) }", {"a": (4000, 4000), "b": (4000, 4000)}),
    "Conv": ("(float[A, B, C, D] x, float[E, B, 3, 3] w) => (float[A, F, G, H] y) { y = Conv(x, w) }",
             {"x": (1, 256, 220, 220), "w": (512, 256, 3, 3)}),
    "Attention": ("(float[A, H, S, D] q, float[A, H, S, D] k) => (float[A, H, S, D] y) { y = Attention(q, k, k) }",
                  {"q": (1, 16, 4000, 64), "k": (1, 16, 4000, 64)}),
    "LSTM": ('(float[S, N, I] x, float[1, G, I] w, float[1, G, H] r) => (float[S, D, N, H] y) { y = LSTM<hidden_size=512>(x, w, r) }',
             {"x": (600, 64, 512), "w": (1, 2048, 512), "r": (1, 2048, 512)}),
}  # fmt: skip
PART = 0.5  # seconds that a part of a kernel may take here; 0.1 on a quiet machine
SLACK = 10.0  # seconds, on a machine that is busy


def feeds_of(name: str, small: bool) -> dict[str, Any]:
    """With ``small`` enough to compile what the others need."""
    shapes = LONG[name][1]
    if small:
        shapes = {k: (2, *shape[1:]) if name == "LSTM" and k == "x" else shape for k, shape in shapes.items()}
        shapes = shapes if name == "LSTM" else {k: tuple([min(n, 64) for n in shape]) for k, shape in shapes.items()}
    return {k: np.full(shape, 0.5, np.float32) for k, shape in shapes.items()}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_deadline_ends_a_long_kernel_whose_parts_are_short(name: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    took: list[float] = []
    share = pool.share

    def timed(parts: list[Any], work: Callable[..., Any]) -> None:
        def one(*part: Any) -> None:
            start = time.thread_time()
            work(*part)
            took.append(time.thread_time() - start)

        share(parts, one)

    body = LONG[name][0]
    session(body, opset='"" : 23', profile="deterministic").run(None, feeds_of(name, small=True))
    for module in [m for n, m in sys.modules.items() if n.startswith("refexec.kernels.") and hasattr(m, "share")]:
        monkeypatch.setattr(module, "share", timed)
    limited = session(body, opset='"" : 23', profile="deterministic", threads=threads, limits=Limits(seconds=0.5))
    feeds = feeds_of(name, small=False)
    start = time.monotonic()
    with pytest.raises(LimitExceeded, match="seconds"):
        limited.run(None, feeds)
    assert time.monotonic() - start < 0.5 + SLACK
    assert max(took[threads:]) < PART  # the first ones get the memory of the result from the system


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
from tests.models import session
a = np.ones((400, 400), np.float32)
s = session("(float[M, K] a, float[K, M] b) => (float[M, M] y) { y = MatMul(a, b) }", profile="deterministic", threads=int(sys.argv[1]))
s.run(None, {"a": a, "b": a})
long = np.ones((6000, 6000), np.float32)
def interrupt():
    time.sleep(0.5)
    global sent
    sent = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    s.run(None, {"a": long, "b": long})
    print("done")
except KeyboardInterrupt:
    print(time.monotonic() - sent)
assert s.run(None, {"a": a, "b": a})[0][0, 0] == 400
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_interrupt_ends_a_long_kernel_soon_and_the_session_goes_on(threads: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, threads], capture_output=True, text=True, timeout=300, preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler)
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < SLACK


SHARED = (
    "(float[N, 8, 30, 30] x, float[20, 8, 3, 3] w) => (float[A, B] y) {"
    " c = Conv(x, w) r = Relu(c) p = GlobalAveragePool(r) f = Flatten(p) s = Softmax(f) y = Tanh(s) }"
)


def shared_feeds(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"x": rng.standard_normal((seed + 1, 8, 30, 30)).astype(np.float32), "w": rng.standard_normal((20, 8, 3, 3)).astype(np.float32)}


def test_four_threads_at_once_get_the_bits_that_each_gets_alone() -> None:
    shared = session(SHARED, profile="deterministic", threads=2)
    feeds = [shared_feeds(seed) for seed in range(4)]
    alone = [session(SHARED, profile="deterministic").run(None, f)[0].tobytes() for f in feeds]
    found: list[list[bytes]] = [[] for _ in feeds]
    begin = threading.Barrier(4)

    def use(i: int) -> None:
        begin.wait(30)
        for _ in range(20):
            found[i].append(shared.run(None, feeds[i])[0].tobytes())

    users = [threading.Thread(target=use, args=(i,)) for i in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join(60)
    assert found == [[bits] * 20 for bits in alone]


FORKED = """
import os, sys
from tests.test_interrupts import SHARED, session, shared_feeds
s = session(SHARED, profile="deterministic", threads=2)
before = s.run(None, shared_feeds(3))[0].tobytes()
child = os.fork()
if child == 0:
    os._exit(7 if s.run(None, shared_feeds(3))[0].tobytes() == before else 1)
assert s.run(None, shared_feeds(3))[0].tobytes() == before
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_of_fork_gets_the_bits_of_its_parent() -> None:
    run = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=120)
    assert run.stdout == "7\n", run.stderr
