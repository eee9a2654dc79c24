"""The threads that kernels share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from refexec import pool


@pytest.fixture
def two_threads() -> object:
    before = pool.use_threads(2)
    yield
    pool.use_threads(before)


def test_every_part_is_done_once(two_threads: object) -> None:
    done: list[int] = []
    pool.share([(i,) for i in range(100)], done.append)
    assert sorted(done) == list(range(100))


def test_two_threads_take_parts_at_the_same_time(two_threads: object) -> None:
    meet = threading.Barrier(2, timeout=10)
    pool.share([(), ()], meet.wait)


def test_one_thread_works_in_the_thread_that_calls() -> None:
    seen: set[int] = set()
    pool.share([(), (), ()], lambda: seen.add(threading.get_ident()))
    assert seen == {threading.get_ident()}


def test_an_error_of_a_part_is_raised_and_the_pool_goes_on(two_threads: object) -> None:
    def work(i: int) -> None:
        time.sleep(0.001)
        if i == 3:
            raise ValueError("part 3")

    with pytest.raises(ValueError, match="part 3"):
        pool.share([(i,) for i in range(20)], work)
    test_every_part_is_done_once(two_threads)


def test_sessions_in_several_threads_share_the_pool() -> None:
    results: list[int] = []

    def caller() -> None:
        pool.use_threads(2)
        for _ in range(50):
            done: list[int] = []
            pool.share([(i,) for i in range(8)], done.append)
            results.append(len(done))

    callers = [threading.Thread(target=caller) for _ in range(4)]
    for one in callers:
        one.start()
    for one in callers:
        one.join(30)
    assert results == [8] * 200


def test_pieces_cover_the_work_in_order_and_begin_at_multiples(two_threads: object) -> None:
    for size in (1, 5, 100, 1001):
        found = pool.pieces(size, 1e5, 6)
        assert [first for first, _ in found] == [0, *(end for _, end in found[:-1])]
        assert found[-1][1] == size
        assert all(first % 6 == 0 for first, _ in found)


def test_little_work_is_one_piece_and_long_work_is_cut_for_one_thread_too() -> None:
    assert pool.pieces(1000, 1) == [(0, 1000)]
    assert len(pool.pieces(1000, 1e6)) >= 10  # a second in all: pieces of 0.1 s at most


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_of_fork_has_threads_of_its_own() -> None:
    script = (
        "import os, sys, threading\nfrom refexec import pool\npool.use_threads(2)\npool.share([(i,) for i in range(9)], str)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    meet = threading.Barrier(2, timeout=10)\n    pool.share([(), ()], meet.wait)\n    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60).stdout == "7\n"


def test_idle_threads_take_no_time(two_threads: object) -> None:
    pool.share([(i,) for i in range(8)], str)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1
