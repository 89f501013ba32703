"""Mathematical notation as text: which answers are wholly one expression, and which are a number.

math-verify picks what it can read out of a text: it calls "cyclic of order 6" equal to "abelian of
order 6", 5 cm equal to 5 m, f' equal to f and A equal to a. So it is asked only where nothing is
left over on either side, and nothing stands there that it reads in another way than people do.
Whatever is refused here is no fault of an answer: somebody who reads looks at it instead.
"""

import re

MOST_EXPRESSION = 200
"""The longest expression that is compared by computing, in characters."""


def _listed(names: str) -> frozenset[str]:
    return frozenset(names.split())


_FUNCTIONS = _listed("sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan exp ln sqrt")
_GREEK = _listed(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma "
    "tau phi varphi chi psi omega"
)
_COMMANDS = _FUNCTIONS | _GREEK | _listed("frac dfrac tfrac left right cdot binom hbar")
_SPACES = frozenset({"\\,", "\\;", "\\!", "\\ ", "\\:"})
_WORDS = _listed("or and of if is in for mod not no the to")
_UNITS = _listed("m s g cm mm km kg mg ms ns Hz kHz Pa J N W V")
_TOKEN = re.compile(
    r"(?P<command>\\[A-Za-z]+|\\[,;:! ])|(?P<number>\d+)|(?P<letters>[A-Za-z]+)"
    r"|(?P<mark>[-+/^_(){}\[\]=!|])|(?P<space>\s+)"
)
_WRAPPINGS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("`", "`"))
_BOXED = re.compile(r"\\(?:boxed|fbox)\{(.*)\}", re.DOTALL)
_UNICODE = str.maketrans({"−": "-", "π": "\\pi ", "·": "\\cdot ", "×": "\\times "})  # noqa: RUF001

_MISREAD = (
    r"\^\s*(?:\{\s*)?(?:T\b|\*)",  # a transpose or an adjoint, which would be lost
    r"[A-Z]\s*(?:_\s*\w\s*)?[A-Z]",  # a product of matrices, which would commute
    r"[A-Za-z]\s*\^\s*\{\s*-\s*1\s*\}",  # an inverse, the same
    r"/\s*\w\s*\\?[A-Za-z(]",  # 1/2x: who knows what is below
    r"(?<![A-Za-z\\])[ij](?![A-Za-z])",  # the imaginary unit, taken for a letter
    r"=.*=",
)
_MISREADS = re.compile("|".join(_MISREAD))
_WORD = re.compile(r"(?<![A-Za-z\\])(?:[A-Za-z]{4,}|The)(?![A-Za-z])")
_WHOLE = re.compile(r"[-+]?\d[\d,\s]*\.?")
_NAMED = re.compile(r"[A-Za-z]\w*\s*=\s*(.*)", re.DOTALL)
_DECIMAL = re.compile(r"\d\.\d|\d,\d(?!\d\d)|\\approx|≈|\b(?:approx|about|roughly)\b", re.I)
_SMALL = _listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty none once twice"
)


def unwrapped(text: str) -> str:
    """Return an answer without delimiters of formulas, boxes, emphasis and a closing point."""
    text, before = text.strip(), ""
    while text != before:
        before = text
        text = text.rstrip(".").strip()
        for opening, closing in _WRAPPINGS:
            inner = text[len(opening) : -len(closing)]
            if text == f"{opening}{inner}{closing}" and opening not in inner:
                text = inner.strip()
        if (boxed := _BOXED.fullmatch(text)) and _closes_last(boxed[1]):
            text = boxed[1].strip()
    return text


def same_text(one: str, other: str) -> bool:
    """Whether two answers are the same text, but for wrapping, spaces, and large letters in words.

    Letters that stand alone, and those of formulas, are other letters in another case.
    """
    forms = [_WORD.sub(lambda word: word[0].casefold(), unwrapped(text)) for text in (one, other)]
    bare = [" ".join(form.replace("$", "").split()).removeprefix("the ") for form in forms]
    return bool(bare[0]) and bare[0] == bare[1]


def expression(text: str) -> str:
    """Return an answer as LaTeX if it is wholly one expression or equation, else nothing.

    One is made of whole numbers, single letters, known functions and operators. Words, units,
    decimals, primes, lists, relations other than one `=`, and operators that would only restate the
    question (a sum, a limit, an integral) are none.
    """
    if len(text) > MOST_EXPRESSION:
        return ""
    inner = unwrapped(text.translate(_UNICODE))
    formula = "\\" in inner or unwrapped(text) != text.strip().rstrip(".").strip()
    if not formula:
        inner = _as_latex(inner)
    plain = not formula
    if not inner or _MISREADS.search(inner) or not _readable(inner, plain):
        return ""
    return inner


def same_letters(one: str, other: str) -> bool:
    """Whether no letter is large in one expression and small in another: they'd be one letter."""
    letters = {*re.findall(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", one + other))}
    return not any(letter.lower() in letters for letter in letters if letter.isupper())


def next_one(latex: str) -> str:
    """Return an expression that is larger by 1; of an equation, its right side."""
    left, equals, right = latex.rpartition("=")
    return f"{left}{equals}({right})+1"


def is_bare_number(text: str) -> bool:
    """Whether an answer is a whole number and nothing else: `42`, `$n = 42$`, `forty` is not."""
    inner = unwrapped(text)
    named = _NAMED.fullmatch(inner)
    value = unwrapped(named[1]) if named else inner
    return bool(_WHOLE.fullmatch(value)) or value.strip(" .!").casefold() in _SMALL


def has_decimal(text: str) -> bool:
    """Whether an answer hangs on a precision: it has a decimal fraction, or says about how much."""
    return bool(_DECIMAL.search(text))


def _closes_last(inner: str) -> bool:
    """Whether the braces of a text close one another, so that a brace around it is its own."""
    depth = 0
    for letter in inner:
        depth += (letter == "{") - (letter == "}")
        if depth < 0:
            return False
    return depth == 0


def _as_latex(text: str) -> str:
    """Return a formula that was typed as plain text, such as `e^(-t)*cos(t)`, as LaTeX."""
    names = "|".join(sorted(_FUNCTIONS | _GREEK, key=len, reverse=True))
    text = re.sub(rf"(?<![A-Za-z\\])({names})(?![A-Za-z])", r"\\\1 ", text)
    text = re.sub(r"\\sqrt\s*\(([^()]*)\)", r"\\sqrt{\1}", text)
    text = re.sub(r"\^\s*\(([^()]*)\)", r"^{\1}", text)
    text = re.sub(r"\^\s*(-?\d{2,}|-\w)", r"^{\1}", text)
    return text.replace("**", "^").replace("*", "\\cdot ")


def _readable(latex: str, plain: bool) -> bool:
    """Whether an expression holds nothing but what is read here as people read it."""
    at, last = 0, ""
    while at < len(latex):
        found = _TOKEN.match(latex, at)
        if found is None:
            return False
        at, kind, token = found.end(), found.lastgroup, found.group()
        if kind == "command" and token[1:] not in _COMMANDS and token not in _SPACES:
            return False
        if kind == "letters" and not _product(token, last, plain):
            return False
        last = last + token if kind == "space" else token
    return _closes_last(latex)


def _product(letters: str, before: str, plain: bool) -> bool:
    """Whether a run of letters is a product of letters, and no word and no unit."""
    if letters in _UNITS and before.rstrip()[-1:].isdigit() and before[-1:].isspace():
        return False
    if letters in _UNITS and len(letters) > 1 and before[-1:].isdigit():
        return False
    return len(letters) == 1 if plain else len(letters) <= 4 and letters not in _WORDS
