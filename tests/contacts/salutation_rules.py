"""The rules that the cases of `salutation_cases` show, and what one case is."""

from dataclasses import dataclass

RULES = {
    "known": "A known salutation stands before the last name; on the address line 'Herrn' (An wen?), DIN 5008.",
    "unknown": "Nobody's salutation is guessed, least of all by first name: 'Guten Tag' and the full name; no Frau, no Herr on the address line.",
    "neutral": "Who wants neither Frau nor Herr is addressed exactly like the unknown.",
    "last_name_only": "A bare last name is never called out: 'Guten Tag' alone, 'Hello' in English. With Frau or Herr, or a title, it is polite.",
    "first_name_only": "Frau or Herr with a first name is no German: 'Guten Tag Anna'.",
    "doctor": "The doctor's degree is spoken, abbreviated (Duden).",
    "one_title": "Only the highest title is spoken: Professor, written out, for women Professorin; otherwise Dr. (Duden). 'Prof.' where we do not know.",
    "doctor_bare": "Subject, honour and number of doctor's degrees stand on the address line alone: one plain 'Dr.' is spoken.",
    "not_spoken": "Diplomas, magister, engineer, doctorandus, licences and offices typed as a title stand on the address line and are not spoken.",
    "suffix": "What follows the name (B. A., MBA, jun.) stands on the address line without a comma (DIN 5008) and is never spoken.",
    "particle": "von, van der, de la, al-, O', Mc belong to the last name and keep the spelling that was typed.",
    "rank_spoken": "Graf, Gräfin, Prinz, Fürstin, Baron … are part of the name and take the place of Frau and Herr when spoken.",
    "rank_silent": "Freiherr, Freifrau, Freiin, Ritter and Edle are written on the address line and not spoken: 'Herr von Bülow'.",
    "rank_with_title": "After a spoken title Frau or Herr comes back: 'Herr Dr. Graf Dönhoff' (Duden).",
    "rank_unknown": "A rank we do not know stays where it was typed, behind Frau or Herr.",
    "double": "Double names, hyphenated or not, and two last names are spoken whole.",
    "order": "First and last name are what the fields say: no order is guessed for Vietnamese, Hungarian, Chinese or Korean names.",
    "as_typed": "Capitals, marks, apostrophes, scripts, direction and emoji stay as they are.",
    "blanks": "Blanks of any kind around and inside are one blank.",
    "du": "With Du the first name is spoken: Liebe, Lieber, 'Hallo' where we do not know.",
    "du_without_first_name": "Du needs a first name; without one the letter begins as with Sie.",
    "office": "An office is spoken only if the person's own salutation says so.",
    "own_words": "The person's own salutation wins over every rule; only a closing comma and needless blanks are taken off.",
    "english": "Ms and Mr without a full stop; unknown: Dear and the full name.",
    "english_title": "Dr and Professor take the place of Ms and Mr, so they need no gender; other titles stay away.",
    "english_informal": "On first-name terms: Dear and the first name.",
    "nothing": "Nothing is known yet: a greeting all the same, no address line.",
    "organisation": "A house is greeted without Damen, Herren, Sir or Madam: 'Guten Tag', 'Dear … team'. Its own salutation wins.",
}


@dataclass(frozen=True)
class Case:
    """One row: what is stored, and what is expected."""

    rule: str
    language: str
    form: str  # sie or du
    who: str
    letter: str
    address: str
    own: str = ""  # the person's own salutation

    @property
    def person(self) -> dict[str, str]:
        """The six fields by name."""
        names = ("salutation", "title", "first_name", "nobility", "last_name", "suffix")
        return dict(zip(names, self.who.split("|"), strict=True))
