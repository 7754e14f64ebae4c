"""Telephone numbers as keys."""

import re

import phonenumbers

# Between two numbers in one field. A slash is not among them: in German it follows the area code.
_BETWEEN = re.compile(r"[,;\n]|\b(?:oder|und|or|and)\b|\b(?:Durchwahl|DW|ext)\b", re.IGNORECASE)
_LONGEST = 120  # characters; nothing longer is one telephone number
_SHORTEST = 6  # digits after the country code; below, "Zimmer 4711" would become a key


def phone_key(text: str, region: str = "DE") -> str:
    """The number in E.164 ("+49221123456"), read as dialled in `region`; of several the first; '' where no possible number is found."""
    if len(text) > _LONGEST:
        return ""
    for candidate in (text, _BETWEEN.split(text)[0]):
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        reason = phonenumbers.is_possible_number_with_reason(number)
        if reason == phonenumbers.ValidationResult.IS_POSSIBLE and number.national_number >= 10 ** (_SHORTEST - 1):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return ""
