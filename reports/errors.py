"""What can stop a report."""

from trainers.errors import RequestError


class ReportError(RequestError):
    """A report cannot be made; the message says why and what to do. Never raised for a sweep that merely has gaps."""


class UnknownSweepError(ReportError):
    """The tracking store answers, but holds no sweep of that name."""


class StoreUnavailableError(ReportError):
    """The tracking store is not there or does not answer, or the sweep's artifacts cannot be read from here."""
