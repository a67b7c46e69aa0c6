"""Years as answers: coarse enough that a question has few different answers.

Source: the data sets of arXiv 2310.15047, and its authors' code where the text leaves 1900 open.
"""

from __future__ import annotations

import re

BEFORE_CHRIST = r"(?:BCE?\b|B\. ?C\.)"
OUR_ERA = r"(?:AD\b|CE\b|A\. ?D\.|C\. ?E\.)"
# A time of day and a time zone have four digits, too.
CLOCK = re.compile(
    r"T?\b\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)? ?(?:Z\b|UTC|GMT)?(?: ?[+−-]\d{2}:?\d{2})?|\b(?:UTC|GMT) ?[+−-]\d{1,4}"
)
SIGNED = re.compile(r"\s*[−-](\d+)(?=-\d\d|\s*$)")
# Four digits are a year, as are the first four of 19520311; fewer, only beside the name of an era.
YEAR = re.compile(
    rf"(?<!\d)(?:{OUR_ERA} ?(?P<after_era>\d{{1,4}})|(?P<before_era>\d{{1,4}})(?= ?(?:{BEFORE_CHRIST}|{OUR_ERA}))"
    r"|(?P<bare>\d{4})(?:\d{4})?)(?!\d)(?P<many>['’]?s\b)?"
)
# The era of 1200 in "1200 BC", "1200s BC" and "1200–1150 BC".
ENDS_BEFORE_CHRIST = re.compile(rf" ?(?:(?:[–—-]|to|and|or|/) ?\d{{1,4}} ?)?{BEFORE_CHRIST}")


def find_year(text: str) -> int | None:
    """The first year that a text names, negative for one BC; None if it names none.

    Of "1950s" or "1200s" the first year but one, which lies in the decade and in the century; none from 2000 on, where
    answers are single years.
    """
    if signed := SIGNED.match(text):
        return -int(signed[1]) or None
    text = CLOCK.sub(" ", text)
    found = YEAR.search(text)
    if not found:
        return None
    year = int(found["after_era"] or found["before_era"] or found["bare"])
    is_before_christ = bool(ENDS_BEFORE_CHRIST.match(text, found.end()))
    if found["many"]:
        year += 1
        if year > 2000 and not is_before_christ:
            return None
    return (-year if is_before_christ else year) or None


def coarsen_year(year: int) -> str:
    """The century of a year up to 1900, the decade of one up to 1999, else the year itself; years BC are negative.

    Counted as the paper's authors do: 1900 lies in the "19 century". Calendars that have a year 0 mean 1 BC by it.
    """
    if year >= 2000:
        return str(year)
    if year > 1900:
        return f"{year // 10 * 10}s"
    century = f"{(max(abs(year), 1) + 99) // 100} century"
    return century if year > 0 else f"{century} BC"
