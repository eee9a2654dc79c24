"""Feeds drawn from declared types."""

from __future__ import annotations

import numpy as np
import pytest

from refexec.diff.random_feeds import random_feeds
from refexec.errors import UnsupportedError
from refexec.session import Session
from tests.runtimes.models import parsed, with_initializers

MODEL = parsed(
    "g (float[B, 3] x, int64[B] i, uint8[50] u, string[2] s, bool[20] c, bfloat16[4] h, int4[64] q, seq(float[2]) z, optional(float[2]) o) "
    "=> (float[B, 3] y) { y = Identity(x) }",
    21,
    10,
)


def test_every_kind_of_input_gets_a_value_that_runs() -> None:
    session = Session(MODEL)
    feeds = random_feeds(session, dims={"B": 4})
    assert feeds["x"].shape == (4, 3)
    assert set(feeds["i"].tolist()) <= {0, 1}
    assert feeds["u"].max() > 127 > feeds["u"].min()
    assert set(feeds["c"].tolist()) == {False, True}
    assert set(feeds["q"].astype(int).tolist()) <= set(range(-8, 8))
    assert feeds["q"].astype(int).min() < 0
    assert len(feeds["z"]) == 2
    assert session.run(None, feeds)[0].tolist() == feeds["x"].tolist()


def test_equal_seeds_give_equal_feeds_and_other_seeds_others() -> None:
    session = Session(MODEL)
    first, again, other = (random_feeds(session, seed)["x"] for seed in (5, 5, 6))
    assert first.tolist() == again.tolist() != other.tolist()


def test_symbols_are_1_unless_given_and_a_whole_shape_may_be_given() -> None:
    session = Session(parsed("g (float[B, N] x) => (float[B, N] y) { y = Identity(x) }"))
    assert random_feeds(session)["x"].shape == (1, 1)
    assert random_feeds(session, dims={"N": 7})["x"].shape == (1, 7)
    assert random_feeds(session, dims={"x": (2, 5)})["x"].shape == (2, 5)


def test_numbers_stay_in_their_range() -> None:
    session = Session(parsed("g (float[1000] x, int32[1000] n) => (float[1000] y) { y = Identity(x) }"))
    feeds = random_feeds(session, ranges={"x": (2, 3), "n": (-4, 9)})
    assert 2 <= feeds["x"].min() < 2.1 < 2.9 < feeds["x"].max() <= 3
    assert (feeds["n"].min(), feeds["n"].max()) == (-4, 9)


def test_inputs_with_an_initial_value_are_not_fed() -> None:
    model = with_initializers(parsed("g (float[2] x, float[2] w) => (float[2] y) { y = Add(x, w) }"), w=np.ones(2, np.float32))
    assert list(random_feeds(Session(model))) == ["x"]


def test_what_cannot_be_drawn_is_named() -> None:
    session = Session(parsed("g (float[2] x) => (float[2] y) { y = Identity(x) }"))
    with pytest.raises(UnsupportedError, match="no input"):
        random_feeds(session, ranges={"z": (0, 1)})
    unranked = parsed("g (float[2] x) => (float[2] y) { y = Identity(x) }")
    unranked.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(UnsupportedError, match="no declared rank"):
        random_feeds(Session(unranked))
    assert random_feeds(Session(unranked), dims={"x": (2,)})["x"].shape == (2,)
