"""A request to stop that comes twice: once by two ways, or a second time."""

import os
import signal

import pytest

from orchestrator.sweep_run.signals import SAME_SECONDS, Interrupting, StopSignals


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
def test_whoever_is_in_a_hurry_is_not_asked_to_wait(
    now: list[float], second: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    with StopSignals(lambda: None, lambda: now[0]):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Ended, match=str(128 + second)):
            signal.raise_signal(second)
        assert "stopped at once: what has ended is kept" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_that_an_import_has_swallowed_is_not_lost(now: list[float], number: signal.Signals) -> None:
    early, asked = Interrupting(), []
    before = {one: signal.signal(one, early) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(KeyboardInterrupt, match=str(int(number))):  # as a library's `except BaseException` does
            signal.raise_signal(number)
        with StopSignals(lambda: None, lambda: now[0]) as stop:
            stop.asks(lambda: asked.append(stop.number))
            assert asked == [number]
        assert signal.getsignal(number) is early
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
