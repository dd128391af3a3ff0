"""Names and sentences as pdflatex prints them literally, with hyperparameters as mathematics."""

import re
import unicodedata

from trainers import titles

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"$\mathdollar$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # at the beginning of a row it would open an argument of the \\ or \midrule before it
    "*": "{*}",  # likewise of \\*
    "`": r"\`{}",
    "→": r"$\to$",
    "←": r"$\leftarrow$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "−": "$-$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\ldots{}",
    "†": r"$\dagger$",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "°": r"$^\circ$",
    "µ": r"$\mu$",
    "✓": r"$\checkmark$",
    **{subscript: f"$_{digit}$" for digit, subscript in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    "²": r"$^2$",
    "³": r"$^3$",
}

GREEK = "αalpha βbeta γgamma δdelta εepsilon ζzeta ηeta θtheta ιiota κkappa λlambda μmu νnu ξxi πpi ρrho σsigma τtau "
GREEK += "υupsilon φphi χchi ψpsi ωomega ΓGamma ΔDelta ΘTheta ΛLambda ΞXi ΠPi ΣSigma ΦPhi ΨPsi ΩOmega"
SPECIAL |= {word[0]: f"$\\{word[1:]}$" for word in GREEK.split()}

LIGATURES = re.compile(r"(?<=-)(?=-)|(?<=,)(?=,)")
"""Between two hyphens or commas, which LaTeX would join to a dash or a quotation mark."""

SIGNS = {plain: f"${mathematics}$" for mathematics, plain in titles.SYMBOLS.values()}
_ANY = "|".join(sorted(map(re.escape, SIGNS), key=len, reverse=True))
SIGN = re.compile(rf"(?<!\w)({_ANY})(?!\w)")
VALUED = re.compile(rf"((?<![\w-])[kT](?![\w'=-])|(?<!\w)(?:{_ANY})(?!\w)(?:(?= =)|(?<=[₀-₉])))")
"""A hyperparameter where a value follows it, as in `w = 5`; k, T and one with an index by themselves, too."""

LAST_LATIN = 0x17F
"""Of Latin Extended-A, whose letters LaTeX's own fonts can put together, apart from those in `ABSENT`."""

ABSENT = frozenset("ªºÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")


def escape(text: str, *, signs: bool = False) -> str:
    """Return the text so that pdflatex prints it as it is, with hyperparameters that have a value as mathematics.

    A character that no font of pdflatex has is printed as its number, such as [U+4E2D]: a name in another script
    must not stop the document.

    Args:
        signs: the text is hyperparameters, so they are mathematics with or without a value.
    """
    flat = unicodedata.normalize("NFC", " ".join(text.split()))
    pieces = (SIGN if signs else VALUED).split(flat)  # every second one is a sign
    texts = (SIGNS[piece] if i % 2 else "".join(map(character, piece)) for i, piece in enumerate(pieces))
    return LIGATURES.sub("{}", "".join(texts))


def character(c: str) -> str:
    """Return one character as pdflatex prints it."""
    known = SPECIAL.get(c)
    if known is not None:
        return known
    if c.isascii():
        return c if c.isprintable() else ""
    if ord(c) <= LAST_LATIN and c not in ABSENT and unicodedata.category(c).startswith("L"):
        return c
    return f"{SPECIAL['[']}U+{ord(c):04X}]"
