"""Industries a new installation starts with: (key, German, English)."""

INDUSTRIES = [
    ("construction", "Bau", "Construction"),
    ("employment", "Personaldienste", "Employment"),
    ("energy", "Energie", "Energy"),
    ("entertainment", "Unterhaltung", "Entertainment"),
    ("finance", "Finanzen", "Finance"),
    ("food", "Lebensmittel", "Food"),
    ("furniture", "Möbelherstellung", "Furniture"),
    ("logistics", "Logistik", "Logistics"),
    ("marketing", "Marketing", "Marketing"),
    ("mechanical", "Maschinenbau", "Mechanical engineering"),
    ("medical", "Medizin", "Medical"),
    ("public", "Öffentliche Hand", "Public sector"),
    ("retail", "Handel", "Retail"),
    ("services", "Dienstleistungen", "Services"),
    ("software", "Software", "Software"),
    ("technology", "Technologie", "Technology"),
    ("telecommunications", "Telekommunikation", "Telecommunications"),
]

# Purposes of consents a new installation starts with: key → (German, English, {channel: (exact words in German, in English)}).
_STOP = ("Ich kann diese Einwilligung jederzeit mit Wirkung für die Zukunft widerrufen.", "I can withdraw this consent at any time for the future.")


def _mail(german: str, english: str) -> tuple[str, str]:
    return f"{german} {_STOP[0]}", f"{english} {_STOP[1]}"


CONSENTS = {
    "newsletter": ("Newsletter", "Newsletter", {"email": _mail(
        "Ja, ich möchte Ihren Newsletter per E-Mail erhalten.", "Yes, I would like to receive your newsletter by e-mail."),
    }),
    "news": ("Produktneuigkeiten", "Product news", {
        "email": _mail("Ja, ich möchte per E-Mail über neue Produkte und Angebote informiert werden.", "Yes, please tell me about new products and offers by e-mail."),
        "phone": _mail("Ja, Sie dürfen mich anrufen, um mich über neue Produkte und Angebote zu informieren.", "Yes, you may call me about new products and offers."),
        "post": _mail("Ja, Sie dürfen mir Briefe mit neuen Produkten und Angeboten senden.", "Yes, you may send me letters about new products and offers."),
    }),
    "invitations": ("Einladungen", "Invitations", {
        "email": _mail("Ja, ich möchte per E-Mail zu Messen und Veranstaltungen eingeladen werden.", "Yes, please invite me to fairs and events by e-mail."),
        "phone": _mail("Ja, Sie dürfen mich anrufen, um mich zu Messen und Veranstaltungen einzuladen.", "Yes, you may call me to invite me to fairs and events."),
    }),
    "survey": ("Zufriedenheitsbefragung", "Satisfaction survey", {
        "email": _mail("Ja, Sie dürfen mich per E-Mail fragen, wie zufrieden ich bin.", "Yes, you may ask me by e-mail how satisfied I am."),
        "phone": _mail("Ja, Sie dürfen mich anrufen und fragen, wie zufrieden ich bin.", "Yes, you may call me and ask how satisfied I am."),
    }),
    "tracking": ("Auswertung von Öffnungen und Klicks", "Counting of opens and clicks", {"email": _mail(
        "Ja, Sie dürfen auswerten, ob ich Ihre E-Mails öffne und welche Links ich darin anklicke, um mir passendere Inhalte zu senden.",
        "Yes, you may evaluate whether I open your e-mails and which links I click in them, in order to send me more fitting content."),
    }),
}  # fmt: skip
