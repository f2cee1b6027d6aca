"""The exception for user errors."""


class ZooError(Exception):
    """An error that the user can fix; the message is one sentence: what is wrong, where, and what to do.

    The command line prints the message to standard error and exits with code 2; a traceback is shown only with
    ``--debug``.
    """


def nearest(name: str, valid: list[str], prefix: str = "") -> str:
    """A hint for a misspelt name: ``; did you mean "a" or "b"?``, or an empty string if no name is similar.

    The comparison ignores case. ``prefix`` is added to each suggestion, but not compared.
    """
    from difflib import get_close_matches

    spelt = {word.lower(): word for word in valid}
    close = [spelt[word] for word in get_close_matches(name.lower(), list(spelt), n=3, cutoff=0.5)]
    return "; did you mean " + " or ".join(f'"{prefix}{c}"' for c in close) + "?" if close else ""
