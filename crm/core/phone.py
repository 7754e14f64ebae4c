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


def dialled(text: str) -> str:
    """What tells one number from another, however they are spelled: the key where `text` says nothing beyond it; with an extension or a
    second number all digits; where no number is found, the words."""
    key, digits = phone_key(text), re.sub(r"\D", "", text)
    if not key:
        return " ".join(text.casefold().split())
    return key if digits.endswith(key[-_SHORTEST:]) else digits
