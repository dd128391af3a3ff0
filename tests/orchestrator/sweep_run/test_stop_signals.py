"""A request to stop that comes twice: once by two ways, or a second time."""

import os
import signal

import pytest

from orchestrator.sweep_run.signals import SAME_SECONDS, StopSignals


class Ended(Exception):  # noqa: N818 (stands for the end of the process)
    """The process would have ended at once."""


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(os, "_exit", end)
    return [100.0]


def test_slurm_and_the_script_that_passes_it_on_are_one_request(now: list[float]) -> None:
    with StopSignals(lambda: None, lambda: now[0]) as stop:
        signal.raise_signal(signal.SIGTERM)
        now[0] += SAME_SECONDS / 2
        signal.raise_signal(signal.SIGTERM)
        assert stop.number == signal.SIGTERM
        now[0] += SAME_SECONDS
        with pytest.raises(Ended, match="143"):
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_whoever_is_in_a_hurry_is_not_asked_to_wait(now: list[float], second: signal.Signals) -> None:
    with StopSignals(lambda: None, lambda: now[0]):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Ended, match=str(128 + second)):
            signal.raise_signal(second)
