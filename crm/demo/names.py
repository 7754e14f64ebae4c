"""Customers of the demo: organisations and people, all made up. Telephone numbers are those kept free for fiction, addresses end in .example."""

from __future__ import annotations

# name, industry, postcode, city, employees
NORTH = [
    ("Schürmann Möbelwerke GmbH & Co. KG", "furniture", "32052", "Herford", 640),
    ("Papierwerk Rurtal GmbH", "mechanical", "52349", "Düren", 310),
    ("Molkerei Süderbrarup eG", "food", "24392", "Süderbrarup", 180),
    ("Gärtnerei Blümel GbR", "services", "29221", "Celle", 45),
    ("Jäger Logistik GmbH", "logistics", "34117", "Kassel", 520),
    ("Ziegelei Großefehn KG", "construction", "26629", "Großefehn", 95),
    ("Klinikum Weserbogen gGmbH", "medical", "32545", "Bad Oeynhausen", 1900),
    ("Brauerei Tannhof GmbH & Co. KG", "food", "38640", "Goslar", 140),
    ("Bäckerei Hölscher GmbH", "food", "49074", "Osnabrück", 260),
    ("Holzwerk Rübeland OHG", "furniture", "38889", "Rübeland", 75),
    ("Hansekontor Versand GmbH", "retail", "20457", "Hamburg", 430),
    ("Nordsee Fischfeinkost AG", "food", "27572", "Bremerhaven", 350),
    ("Elbe Kabelwerk GmbH", "mechanical", "39104", "Magdeburg", 410),
    ("Spedition Brüggemann KG", "logistics", "48155", "Münster", 210),
    ("Ostwestfalen Küchen AG", "furniture", "33602", "Bielefeld", 780),
    ("Havelland Saaten GmbH", "food", "14641", "Nauen", 60),
    ("Leineturm Verlagsauslieferung GmbH", "logistics", "37073", "Göttingen", 120),
    ("Stadtwerke Emsaue GmbH", "energy", "48429", "Rheine", 330),
    ("Förde Medizintechnik GmbH", "medical", "24103", "Kiel", 220),
    ("Wattenmeer Teekontor GmbH", "food", "26721", "Emden", 85),
    ("Harzer Federn GmbH", "mechanical", "38855", "Wernigerode", 150),
    ("Lippe Verpackungen GmbH", "mechanical", "59555", "Lippstadt", 270),
    ("Ruhrtal Pharmahandel AG", "medical", "45127", "Essen", 610),
    ("Dünger & Söhne Landhandel KG", "retail", "29525", "Uelzen", 55),
    ("Baltic Reifen GmbH", "retail", "18055", "Rostock", 130),
    ("Münsterland Tierfutter GmbH", "food", "48653", "Coesfeld", 190),
    ("Heide Druckzentrum GmbH", "services", "29614", "Soltau", 110),
    ("Weserland Baustoffe AG", "construction", "31785", "Hameln", 290),
    ("Kontor am Fleet Handels-GmbH", "retail", "20459", "Hamburg", 70),
    ("Eichsfeld Textilpflege GmbH", "services", "37308", "Heiligenstadt", 165),
]
SOUTH = [
    ("Blechtechnik Nürtingen GmbH", "mechanical", "72622", "Nürtingen", 230),
    ("Kunststofftechnik Weißenfels GmbH", "mechanical", "06667", "Weißenfels", 175),
    ("Stahlbau Überlingen GmbH", "construction", "88662", "Überlingen", 140),
    ("Getränke Föhrenbach AG", "food", "78120", "Furtwangen", 390),
    ("Weingut von Lützow", "food", "67346", "Speyer", 28),
    ("Allgäuer Käserei Bergmilch eG", "food", "87435", "Kempten", 160),
    ("Donau Fahrradteile GmbH", "mechanical", "89073", "Ulm", 240),
    ("Isartal Elektronik GmbH", "technology", "82049", "Pullach", 320),
    ("Frankenland Spielwaren GmbH", "retail", "90762", "Fürth", 200),
    ("Schwarzwald Uhrenversand KG", "retail", "78054", "Villingen-Schwenningen", 65),
    ("Neckar Schrauben AG", "mechanical", "74072", "Heilbronn", 450),
    ("Spessart Mineralbrunnen GmbH", "food", "63739", "Aschaffenburg", 210),
    ("Ostalb Gießerei GmbH", "mechanical", "73430", "Aalen", 280),
    ("Bodensee Obstkontor eG", "food", "88069", "Tettnang", 90),
    ("Chiemgau Sportartikel GmbH", "retail", "83022", "Rosenheim", 115),
    ("Odenwald Kunststoffe KG", "mechanical", "64711", "Erbach", 185),
    ("Pfälzer Glashütte GmbH", "mechanical", "66482", "Zweibrücken", 260),
    ("Oberpfalz Keramik AG", "construction", "92224", "Amberg", 370),
    ("Rhön Klinikbedarf GmbH", "medical", "97616", "Bad Neustadt", 145),
    ("Tauber Fertighaus GmbH", "construction", "97980", "Bad Mergentheim", 310),
    ("Altmühl Logistikpark GmbH", "logistics", "91710", "Gunzenhausen", 105),
    ("Jura Marmorwerke KG", "construction", "85072", "Eichstätt", 70),
    ("Vogtland Textil GmbH", "mechanical", "08523", "Plauen", 195),
    ("Saale Solarmodule AG", "energy", "07743", "Jena", 300),
    ("Kraichgau Zuckerwaren GmbH", "food", "76646", "Bruchsal", 125),
    ("Lechtal Papierfabrik GmbH", "mechanical", "86150", "Augsburg", 340),
]
COMPETITORS = [
    ("Kühn & Partner Fördersysteme GmbH", "mechanical", "44135", "Dortmund", 380),
    ("Transvia Intralogistik AG", "mechanical", "70173", "Stuttgart", 1200),
    ("Bandwerk Sauerland KG", "mechanical", "59872", "Meschede", 160),
    ("Hebotec Anlagenbau GmbH", "mechanical", "04103", "Leipzig", 220),
]

WOMEN = ["Anke", "Birgit", "Claudia", "Derya", "Elif", "Franziska", "Gudrun", "Hanna", "Ingrid", "Johanna", "Karin", "Leonie", "Maria", "Nadine", "Petra", "Renate", "Silke", "Tanja", "Ursula", "Verena"]
MEN = ["Andreas", "Bernd", "Christian", "Dirk", "Emre", "Frank", "Georg", "Holger", "Ivo", "Jürgen", "Klaus", "Lars", "Michael", "Norbert", "Oliver", "Peter", "Rainer", "Stefan", "Thomas", "Uwe"]
LAST = [
    "Albers", "Baumann", "Bäcker", "Böhm", "Çelik", "Dietrich", "Ebert", "Engel", "Fuchs", "Görlitz", "Groß", "Haas", "Hartmann", "Heß", "Jansen", "Jürgens", "Kaiser", "Keller", "Klöckner", "Kowalski",
    "Krüger", "Kühne", "Lange", "Łukaszewicz", "Lorenz", "Maier", "Mayr", "Meyer", "Müller", "Neuhaus", "Nowak", "Núñez", "Öztürk", "Paulsen", "Pohl", "Rademacher", "Reuter", "Rößler", "Sauer", "Schäfer",
    "Schmidt", "Schmitt", "Schröder", "Schulze", "Seidel", "Søndergaard", "Stein", "Thiel", "Ulrich", "Voß", "Wagner", "Weiß", "Winter", "Wolff", "Zimmermann",
]  # fmt: skip
FUNCTIONS = ["Leitung Einkauf", "Technische Leitung", "Geschäftsführung", "Betriebsleitung", "Leitung Logistik", "Instandhaltung", "Projektleitung"]
STREETS = ["Industriestraße", "Am Hafen", "Bahnhofstraße", "Gewerbering", "Werkstraße", "Lange Straße", "Zum Walzwerk", "Mühlenweg"]
PHONES = {"north": ["040 66969", "0221 4710"], "south": ["089 99998", "069 90009"], "": ["030 23125"]}
MOBILES = {"north": "0171 39200", "south": "0176 040690"}  # two digits follow

# what is sold, with the article number it is built on and from how many to how many pieces
PROJECTS = [
    ("Palettenförderung", "KF-100", 2, 5), ("Kühlraumförderer", "GF-200", 2, 6), ("Späneförderer", "SF-100", 1, 3), ("Topfband", "GF-100", 1, 2),
    ("Förderanlage", "ST-200", 1, 3), ("Granulatförderung", "SF-200", 1, 3), ("Ersatz Kettenförderer", "KF-200", 1, 2), ("Sortierstrecke", "ST-100", 1, 2),
    ("Rollenbahn 60 m", "RB-100", 4, 8), ("Kurvenförderer", "GF-300", 1, 3), ("Modernisierung Anlage", "ST-200", 1, 2), ("Kistenförderer", "RB-200", 2, 7),
    ("Flaschenpuffer", "GF-100", 2, 5), ("Palettenheber", "VT-200", 1, 2), ("Wartungsvertrag", "WA-100", 1, 4), ("Vertikalförderer", "VT-100", 1, 2), ("Röllchenbahn Versand", "RB-300", 3, 8),
]  # fmt: skip
PLACES = ["", "", "Halle 2", "Halle 3", "Werk II", "Versand", "Wareneingang", "Linie 4", "Verpackung", "Hochregallager"]

# what is said when an opportunity comes into a stage, and what is agreed as the next step
TALKS = {
    "qualified": [("call", "Anfrage über die Website, Bedarf grob umrissen. Budget ist eingeplant.", "Referenzen senden"), ("email", "Hat auf unseren Messeauftritt reagiert und bittet um Unterlagen.", "Anruf"), ("call", "Empfehlung eines Bestandskunden. Will noch dieses Jahr umbauen.", "Rückruf")],
    "needs": [("visit", "Begehung vor Ort: Durchsatz 800 Stück je Stunde, enge Kurve am Wareneingang.", "Zeichnung anfordern"), ("meeting", "Bedarf mit Technik und Einkauf geklärt, Lastenheft folgt.", "Lastenheft prüfen"), ("call", "Maße und Taktzeiten durchgesprochen, Förderhöhe 750 mm.", "Begehung")],
    "offer": [("email", "Angebot verschickt, gültig vier Wochen.", "Nachfassen"), ("meeting", "Angebot vorgestellt. Rückfragen zur Steuerung, Preis im Rahmen.", "Zeichnung senden"), ("call", "Angebot liegt beim Einkauf, Entscheidung nach der nächsten Sitzung.", "Nachfassen")],
    "negotiation": [("meeting", "Preisgespräch: 3 % Skonto möglich, Liefertermin ist wichtiger als Rabatt.", "Vertragsentwurf senden"), ("call", "Wettbewerber liegt etwas darunter, unsere Montagezeit überzeugt.", "Preisgespräch"), ("email", "Liefertermin und Zahlungsplan abgestimmt.", "Rückmeldung einholen")],
    "commitment": [("call", "Mündliche Zusage, Bestellung kommt nach der Freigabe.", "Bestellnummer erfragen"), ("meeting", "Vorstand hat zugestimmt.", "Unterschrift"), ("email", "Zusage per Mail, Vertrag ist in der Unterschrift.", "Bestellung prüfen")],
}  # fmt: skip
SERVICE_TALKS = ["Störung am Antrieb telefonisch behoben.", "Ersatzrollen versandt.", "Jährliche Wartung durchgeführt, keine Mängel.", "Lichtschranke neu eingestellt."]
LOST_NOTES = {"other": "Standort wird verkauft."}
