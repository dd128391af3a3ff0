"""Names and sentences as pdflatex prints them literally."""

import re
import unicodedata

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
    "²": r"$^2$",
    "³": r"$^3$",
}

GREEK = "αalpha βbeta γgamma δdelta εepsilon ζzeta ηeta θtheta ιiota κkappa λlambda μmu νnu ξxi πpi ρrho σsigma τtau "
GREEK += "υupsilon φphi χchi ψpsi ωomega ΓGamma ΔDelta ΘTheta ΛLambda ΞXi ΠPi ΣSigma ΦPhi ΨPsi ΩOmega"
SPECIAL |= {word[0]: f"$\\{word[1:]}$" for word in GREEK.split()}

LIGATURES = re.compile(r"(?<=-)(?=-)|(?<=,)(?=,)")
"""Between two hyphens or commas, which LaTeX would join to a dash or a quotation mark."""

LAST_LATIN = 0x17F
"""Of Latin Extended-A, whose letters LaTeX's own fonts can put together, apart from those in `ABSENT`."""

ABSENT = frozenset("ªºÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")


def escape(text: str) -> str:
    """Return the text so that pdflatex prints it as it is.

    A character that no font of pdflatex has is printed as its number, such as [U+4E2D]: a name in another script
    must not stop the document.
    """
    flat = unicodedata.normalize("NFC", " ".join(text.split()))
    return LIGATURES.sub("{}", "".join(_character(c) for c in flat))


def _character(c: str) -> str:
    known = SPECIAL.get(c)
    if known is not None:
        return known
    if c.isascii():
        return c if c.isprintable() else ""
    if ord(c) <= LAST_LATIN and c not in ABSENT and unicodedata.category(c).startswith("L"):
        return c
    return f"{SPECIAL['[']}U+{ord(c):04X}]"
