"""Questions to the invented people of `bench/cv/people`, each with those who can answer it, written by hand.

(language of the question, the question, ids of the people whose CV says it). How many sentences count, what words
weigh and how soon the mean of a language is trusted were chosen on `TUNED`; `HELD_OUT` was written afterwards and is
only measured.
"""

TUNED: list[tuple[str, str, set[str]]] = [
    ("fr", "réutiliser les eaux usées des brasseries et des laiteries", {"en-1", "nl-21"}),
    ("de", "Abwasser in der Fischverarbeitung reinigen", {"bg-11", "en-21"}),
    ("en", "green loans and bonds for small manufacturers", {"en-2", "fr-12", "de-21", "pl-21", "en-13"}),
    ("pl", "oszczędzanie energii w hotelach", {"de-12"}),
    ("fr", "récupération de chaleur dans les fours", {"es-21", "pl-11", "de-1", "en-1", "cs-21"}),
    ("en", "circular textiles and purchasing of cotton", {"nl-11", "pl-1"}),
    ("de", "Kompostierung von Resten der Olivenölherstellung", {"es-11"}),
    ("it", "far pagare l'uso delle macchine invece di venderle", {"en-22", "fr-2"}),
    ("en", "volatile organic compounds and chromium in tanneries", {"it-1"}),
    ("es", "pasaportes de materiales para edificios", {"nl-1"}),
    ("pl", "recykling szkła i stłuczki", {"pt-21", "cs-11"}),
    ("fr", "économies d'eau dans les caves viticoles", {"it-11"}),
    ("en", "carbon footprint of cork stoppers", {"pt-1"}),
    ("de", "Mehrwegsysteme und weniger Verpackung im Lebensmittelhandel", {"en-11"}),
    ("nl", "houtafval in de meubelindustrie verminderen", {"ro-1", "it-21", "en-3"}),
    ("en", "dyeing works that use less water", {"fr-21", "nl-11"}),
    ("fr", "plasturgie et matière recyclée", {"fr-1"}),
    ("pl", "emisje przemysłowe i najlepsze dostępne techniki", {"es-21", "ro-11", "en-21"}),
    ("de", "Geschäftsmodelle für Webereien", {"pt-11", "de-2"}),
    ("cs", "zelené dluhopisy pro přístavy", {"en-13", "pl-21"}),
    ("en", "replacing solvents, cleaner air in furniture making", {"de-11"}),
    ("en", "energy management by ISO 50001", {"de-1", "es-1", "en-12"}),
    ("fr", "symbiose industrielle dans la filière bois", {"en-3"}),
    ("de", "Bilanz der Treibhausgase von Fähren", {"en-13"}),
    ("ro", "audit energetic în fabrici de mobilă", {"ro-1"}),
]

HELD_OUT: list[tuple[str, str, set[str]]] = [
    ("de", "Wärmerückgewinnung in Brauereien", {"cs-21", "nl-21", "en-1"}),
    ("fr", "bilan carbone d'une usine automobile ou sidérurgique", {"es-1", "pl-11"}),
    ("en", "recycling of glass in melting furnaces", {"pt-21", "cs-11"}),
    ("it", "finanza verde per cantieri navali", {"pl-21", "en-13"}),
    ("pl", "projektowanie mebli z myślą o rozbiórce", {"it-21", "en-3"}),
    ("en", "saving energy in olive mills", {"el-1", "it-11"}),
    ("es", "agua reutilizada en conservas de alimentos", {"fr-11", "hu-11"}),
    ("de", "gefährliche Stoffe in der Textilveredlung ersetzen", {"fr-21"}),
    ("fr", "déchets dans les hôtels", {"el-11"}),
    ("nl", "businessmodellen voor weverijen", {"pt-11"}),
    ("en", "photovoltaics and finance for suppliers", {"de-21"}),
    ("de", "Verpackungen aus Rezyklat und Ökodesign", {"en-11", "fr-1"}),
    ("en", "environmental management system EMAS auditor", {"it-1", "de-11"}),
    ("cs", "bezpečnost a hygiena potravin HACCP", {"hu-11"}),
    ("pt", "robótica e produção enxuta", {"en-12"}),
]
