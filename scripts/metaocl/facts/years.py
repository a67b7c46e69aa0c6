"""Years as answers: coarse enough that a question has few different answers.

Source: the data sets of arXiv 2310.15047, and its authors' code where the text leaves 1900 open.
"""

from __future__ import annotations


def coarsen_year(year: int) -> str:
    """The century of a year up to 1900, the decade of one up to 1999, else the year itself; years BC are negative.

    Counted as the paper's authors do: 1900 lies in the "19 century", and a year 0 would be the "0 century".
    """
    if year >= 2000:
        return str(year)
    if year > 1900:
        return f"{year // 10 * 10}s"
    century = f"{(abs(year) + 99) // 100} century"
    return f"{century} BC" if year < 0 else century
