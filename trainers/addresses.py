"""Addresses of servers and databases as people may see them: without the user name and the password in them."""

import re

CREDENTIALS = re.compile(r"(\w[\w+.-]*://)\S*@")
PARAMETER = re.compile(r"\b(\w*passw(?:or)?d)=[^&\s'\"]*", re.IGNORECASE)
"""libpq takes a password in the query of a URL too."""


def without_password(text: str, *addresses: str) -> str:
    """Return the text, an address or a message, with no user name and no password in any address of it.

    Args:
        addresses: that may be in it and hold what no address should, such as a space in a password.
    """
    for address in addresses:
        text = text.replace(address, _cut(address))
    return PARAMETER.sub(r"\1=***", CREDENTIALS.sub(r"\1", text))


def _cut(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    return scheme + separator + rest.rpartition("@")[2]
