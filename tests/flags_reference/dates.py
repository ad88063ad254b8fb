"""Dates of ISO 8601, and dates that are counted back from now."""

import datetime
import re

DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|z| [Uu][Tt][Cc]| ?[+-][0-9]{2}:[0-9]{2})?)?"
)
EPOCH = datetime.date(1970, 1, 1).toordinal()
FIRST_SECOND = (1 - EPOCH) * 86400
LAST_SECOND = (datetime.date(9999, 12, 31).toordinal() - EPOCH + 1) * 86400 - 1


def parse_date(text):
    """(seconds since 1970, nanoseconds), or None. What has no offset is UTC."""
    match = DATE.fullmatch(text.strip(" \t\n\x0c\r"))
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction, zone = match.group(7) or "", (match.group(8) or "Z").strip()
    offset = 0
    if zone[0] in "+-":
        hours, minutes = int(zone[1:3]), int(zone[4:])
        if hours > 23 or minutes > 59:
            return None
        offset = (hours * 60 + minutes) * (-60 if zone[0] == "-" else 60)
    try:
        days = datetime.date(year, month, day).toordinal() - EPOCH
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset
    if not FIRST_SECOND <= seconds <= LAST_SECOND:
        return None
    return seconds, int((fraction + "0" * 9)[:9])


def month_length(year, month):
    first = datetime.date(year, month, 1)
    return ((first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - first).days


def one_month_back(year, month, day):
    year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    return None if year < 1 else (year, month, min(day, month_length(year, month)))


def one_year_back(year, month, day):
    return None if year <= 1 else (year - 1, month, min(day, month_length(year - 1, month)))


def relative_date(text, now):
    """None if it is none; "too long ago" if there was no such time; "some time" if now is None."""
    match = re.fullmatch(r"-?([0-9]+)([hdwmy])", text)
    if match is None or int(match.group(1)) >= 10_000:
        return None
    if now is None:
        return "some time"
    count, unit = int(match.group(1)), match.group(2)
    seconds, nanos = now
    if unit in "hdw":
        seconds -= count * {"h": 3600, "d": 86400, "w": 7 * 86400}[unit]
        return (seconds, nanos) if seconds >= FIRST_SECOND else "too long ago"
    days, rest = divmod(seconds, 86400)
    date = datetime.date.fromordinal(days + EPOCH)
    date = (date.year, date.month, date.day)
    for _ in range(count):
        date = one_month_back(*date) if unit == "m" else one_year_back(*date)
        if date is None:
            return "too long ago"
    return (datetime.date(*date).toordinal() - EPOCH) * 86400 + rest, nanos
