"""Claims: processes that fill one bank never take the same rows, and nothing stays claimed by the dead."""

from pathlib import Path

import numpy as np
import pytest

from trainers.teachers.claims import Claims

WANTED = np.arange(100, dtype=np.int64)


def nobody_waits() -> None:
    pytest.fail("there is nobody to wait for")


def test_two_share_the_rows_and_get_none_twice(tmp_path: Path):
    first, second = Claims(tmp_path), Claims(tmp_path)
    with first.claimed(WANTED, 30, nobody_waits) as mine, second.claimed(WANTED, 30, nobody_waits) as theirs:
        assert mine.tolist() == [*range(30)]
        assert theirs.tolist() == [*range(30, 60)]


def test_nothing_is_left_where_all_is_claimed_and_all_is_free_afterwards(tmp_path: Path):
    claims = Claims(tmp_path)
    with claims.claimed(WANTED, 200, nobody_waits) as mine:
        assert len(mine) == 100
        with claims.claimed(WANTED, 200, nobody_waits) as nothing:
            assert not len(nothing)
    with claims.claimed(WANTED, 200, nobody_waits) as again:
        assert np.array_equal(again, WANTED)


def test_much_that_is_free_is_claimed_in_few_pieces(tmp_path: Path):
    with Claims(tmp_path).claimed(np.arange(3200), 10, nobody_waits) as mine:
        assert len(mine) == 200


def test_what_a_dead_process_had_claimed_is_free(tmp_path: Path):
    left = tmp_path / "1-dead.rows"
    left.write_bytes(WANTED.tobytes())
    with Claims(tmp_path).claimed(WANTED, 200, nobody_waits) as mine:
        assert len(mine) == 100
    assert not left.exists()


def test_a_claim_is_given_up_when_the_work_fails(tmp_path: Path):
    claims = Claims(tmp_path)
    with pytest.raises(OSError, match="disk"), claims.claimed(WANTED, 200, nobody_waits):
        raise OSError("the disk is full")
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
