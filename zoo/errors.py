"""The exception for mistakes of users."""


class ZooError(Exception):
    """A mistake that the user can fix: one sentence saying what is wrong, where, and what to do.

    The command line prints the sentence on standard error and exits with code 2; a traceback appears only
    with ``--debug``.
    """


def nearest(name: str, valid: list[str], prefix: str = "") -> str:
    """A hint for a misspelt name: ``; did you mean "a" or "b"?``, or an empty string when nothing is near.

    Upper and lower case are alike. ``prefix`` is put before each suggestion, outside of the comparison.
    """
    from difflib import get_close_matches

    spelt = {word.lower(): word for word in valid}
    close = [spelt[word] for word in get_close_matches(name.lower(), list(spelt), n=3, cutoff=0.5)]
    return "; did you mean " + " or ".join(f'"{prefix}{c}"' for c in close) + "?" if close else ""
