/** A place of birth or residence: INSEE code of the commune (or 99 and the country), postal code where there is one. */
export interface Place {
  readonly insee: string
  readonly postal: string
  readonly name: string
  readonly country: string
}

/** Communes written as `INSEE postal name`, one table per region of the page. */
const TABLE = `59350 59000 Lille|59512 59100 Roubaix|59599 59200 Tourcoing|59183 59140 Dunkerque
59606 59300 Valenciennes|80021 80000 Amiens|76540 76000 Rouen|76351 76600 Le Havre|14118 14000 Caen
50129 50100 Cherbourg-en-Cotentin|35238 35000 Rennes|35288 35400 Saint-Malo|29019 29200 Brest|29232 29000 Quimper
56121 56100 Lorient|56260 56000 Vannes|44109 44000 Nantes|44184 44600 Saint-Nazaire|72181 72000 Le Mans
53130 53000 Laval|18033 18000 Bourges|86194 86000 Poitiers|79191 79000 Niort|17300 17000 La Rochelle
87085 87000 Limoges|16015 16000 Angoulême|33063 33000 Bordeaux|33281 33700 Mérignac|64445 64000 Pau
64102 64100 Bayonne|40192 40000 Mont-de-Marsan|31555 31000 Toulouse|81004 81000 Albi|82121 82000 Montauban
65440 65000 Tarbes|12202 12000 Rodez|34172 34000 Montpellier|34032 34500 Béziers|30189 30000 Nîmes
66136 66000 Perpignan|11069 11000 Carcassonne|11262 11100 Narbonne|84007 84000 Avignon|13001 13100 Aix-en-Provence
83137 83000 Toulon|06088 06000 Nice|06029 06400 Cannes|06004 06600 Antibes|2A004 20000 Ajaccio|2B033 20200 Bastia
2A247 20137 Porto-Vecchio|2B096 20250 Corte|2B050 20260 Calvi|38185 38000 Grenoble|73065 73000 Chambéry
74010 74000 Annecy|26362 26000 Valence|42218 42000 Saint-Étienne|63113 63000 Clermont-Ferrand
43157 43000 Le Puy-en-Velay|15014 15000 Aurillac|21231 21000 Dijon|71076 71100 Chalon-sur-Saône|71270 71000 Mâcon
25056 25000 Besançon|90010 90000 Belfort|68224 68100 Mulhouse|68066 68000 Colmar|67482 67000 Strasbourg
57463 57000 Metz|54395 54000 Nancy|88160 88000 Épinal|51454 51100 Reims|10387 10000 Troyes
08105 08000 Charleville-Mézières|02691 02100 Saint-Quentin|02408 02000 Laon|60057 60000 Beauvais
60159 60200 Compiègne|62041 62000 Arras|62193 62100 Calais|62160 62200 Boulogne-sur-Mer|62498 62300 Lens
78646 78000 Versailles|92050 92000 Nanterre|92012 92100 Boulogne-Billancourt|93066 93200 Saint-Denis
93048 93100 Montreuil|94028 94000 Créteil|95018 95100 Argenteuil|95127 95000 Cergy|91228 91000 Évry-Courcouronnes
77288 77000 Melun|77284 77100 Meaux|27229 27000 Évreux|58194 58000 Nevers|89024 89000 Auxerre|70550 70000 Vesoul
39300 39000 Lons-le-Saunier|01053 01000 Bourg-en-Bresse|05061 05000 Gap|04070 04000 Digne-les-Bains
07186 07000 Privas|48095 48000 Mende|09122 09000 Foix|46042 46000 Cahors|32013 32000 Auch|47001 47000 Agen
24322 24000 Périgueux|19272 19000 Tulle|23096 23000 Guéret|03190 03000 Moulins|22278 22000 Saint-Brieuc
85191 85000 La Roche-sur-Yon|61001 61000 Alençon|55029 55000 Bar-le-Duc|52121 52000 Chaumont
97209 97200 Fort-de-France|97120 97110 Pointe-à-Pitre|97411 97400 Saint-Denis|97416 97410 Saint-Pierre
97302 97300 Cayenne|97611 97600 Mamoudzou`

/** Where the demonstration hospital's patients mostly live. */
const CATCHMENT_TABLE = `37261 37000 Tours|45234 45000 Orléans|41018 41000 Blois|49007 49000 Angers
28085 28000 Chartres|36044 36000 Châteauroux|72181 72000 Le Mans|18033 18000 Bourges|86194 86000 Poitiers`

/** Countries of birth: 99 and the INSEE country code. */
const ABROAD_TABLE = `99352 Algérie|99350 Maroc|99351 Tunisie|99139 Portugal|99134 Espagne|99127 Italie|99341 Sénégal
99335 Mali|99326 Côte d'Ivoire|99208 Turquie|99122 Pologne|99109 Allemagne|99131 Belgique|99132 Royaume-Uni
99114 Roumanie|99243 Viêt Nam|99216 Chine|99410 Haïti|99322 Cameroun|99333 Madagascar`

function rows(table: string): string[] {
  return table.split(/[|\n]/).map((row) => row.trim())
}

function commune(row: string): Place {
  return { insee: row.slice(0, 5), postal: row.slice(6, 11), name: row.slice(12), country: 'FR' }
}

/** Municipal districts of Paris, Lyon and Marseille: people are registered there, not in the city as a whole. */
function districts(city: string, insee: number, postal: number, count: number): Place[] {
  return Array.from({ length: count }, (_, i): Place => ({
    insee: String(insee + i),
    postal: String(postal + i),
    name: `${city} ${i + 1}${i === 0 ? 'er' : 'e'} Arrondissement`,
    country: 'FR',
  }))
}

const CATCHMENT: readonly Place[] = rows(CATCHMENT_TABLE).map(commune)

/** French communes people live in. */
export const COMMUNES: readonly Place[] = [
  ...rows(TABLE).map(commune),
  ...districts('Paris', 75101, 75001, 20),
  ...districts('Lyon', 69381, 69001, 9),
  ...districts('Marseille', 13201, 13001, 16),
]

/** Residences near the demonstration hospital. */
export const NEARBY: readonly Place[] = CATCHMENT

const known = new Set(COMMUNES.map((place) => place.insee))

/** Every birthplace, each once: the serial numbers of matricules rely on it. */
export const BIRTHPLACES: readonly Place[] = [
  ...COMMUNES,
  ...CATCHMENT.filter((place) => !known.has(place.insee)),
  ...rows(ABROAD_TABLE).map((row): Place => ({
    insee: row.slice(0, 5), postal: '', name: row.slice(6), country: row.slice(6),
  })),
]

/** The code in force at birth: the two Corsican departments exist since 1 January 1976, before it was 20. */
export function birthplaceCode(place: Place, birthYear: number): string {
  return birthYear < 1976 ? place.insee.replace(/^2[AB]/, '20') : place.insee
}

export const STREETS: readonly string[] = [
  'rue des Lilas', 'rue de la République', 'avenue Jean-Jaurès', 'rue Victor-Hugo', 'rue du Général-Leclerc',
  'place de l\'Église', 'rue des Écoles', 'chemin des Vignes', 'allée des Tilleuls', 'impasse du Moulin',
  'boulevard Gambetta', 'rue Pasteur', 'rue de la Fontaine', 'route de la Forêt', 'rue du Stade', 'quai des Brumes',
  'résidence Les Glycines, rue Molière', 'rue Louise-Michel', 'rue Simone-Veil', 'rue Émile-Zola', 'cours Mirabeau',
  'rue de l\'Abbaye', 'rue du Puits', 'avenue de la Gare', 'rue des Fossés', 'chemin de Halage', 'rue Marie-Curie',
  'rue du Onze-Novembre', 'square des Acacias', 'rue Aimé-Césaire', 'rue des Peupliers', 'hameau de la Grée',
  'rue Olympe-de-Gouges', 'rue du Château-d\'Eau', 'montée des Carmes', 'rue Sainte-Cécile', 'rue George-Sand',
  'traverse des Oliviers', 'rue du Faubourg-Saint-Jean', 'lotissement Le Clos-Fleuri', 'rue de Bretagne',
]
