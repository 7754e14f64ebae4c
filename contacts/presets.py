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
