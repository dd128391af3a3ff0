"""What all rooms call a wrong request."""


class RequestError(Exception):
    """What was asked for cannot be done, for a reason that whoever asked can mend; the message says how.

    Told in one message without a traceback, with exit code 2. Every error of this kind in every room derives from it.
    """
