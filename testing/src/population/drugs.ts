/** A medicinal product by ATC code: how it is dispensed, and the usual dosage as a French prescription reads. */
export interface Drug {
  readonly atc: string
  readonly substance: string
  readonly product: string
  readonly dosage: string
  /** Intakes per day, 0 where it is taken less often or on demand. */
  readonly perDay: number
  readonly route: string
}

/** ATC | substance | product | intakes per day | dosage; a row goes on where the next line is indented. */
const TABLE = `A10BA02|metformine|METFORMINE 1000 mg, comprimé pelliculé|2
  |1 comprimé matin et soir, au cours des repas
A10BB09|gliclazide|GLICLAZIDE 60 mg, comprimé à libération modifiée|1|1 comprimé le matin au petit-déjeuner
A10BJ02|liraglutide|LIRAGLUTIDE 6 mg/ml, solution injectable en stylo|1|1,2 mg en une injection sous-cutanée par jour
A10BK03|empagliflozine|EMPAGLIFLOZINE 10 mg, comprimé pelliculé|1|1 comprimé le matin
A10AE04|insuline glargine|INSULINE GLARGINE 100 U/ml, stylo prérempli|1
  |18 unités le soir au coucher, à adapter à la glycémie à jeun
A10AB05|insuline asparte|INSULINE ASPARTE 100 U/ml, stylo prérempli|3
  |6 à 10 unités avant chaque repas selon la glycémie
C09AA05|ramipril|RAMIPRIL 5 mg, comprimé sécable|1|1 comprimé le matin
C09AA04|périndopril|PÉRINDOPRIL 4 mg, comprimé sécable|1|1 comprimé le matin avant le repas
C09CA06|candésartan|CANDÉSARTAN 8 mg, comprimé sécable|1|1 comprimé le matin
C08CA01|amlodipine|AMLODIPINE 5 mg, gélule|1|1 gélule le soir
C03AA03|hydrochlorothiazide|HYDROCHLOROTHIAZIDE 25 mg, comprimé sécable|1|un demi-comprimé le matin
C03CA01|furosémide|FUROSÉMIDE 40 mg, comprimé sécable|1|1 comprimé le matin, surveiller le poids
C03DA01|spironolactone|SPIRONOLACTONE 25 mg, comprimé pelliculé|1|1 comprimé par jour
C07AB07|bisoprolol|BISOPROLOL 2,5 mg, comprimé pelliculé sécable|1|1 comprimé le matin
C10AA05|atorvastatine|ATORVASTATINE 20 mg, comprimé pelliculé|1|1 comprimé le soir
C10AA07|rosuvastatine|ROSUVASTATINE 10 mg, comprimé pelliculé|1|1 comprimé par jour
C10AX09|ézétimibe|ÉZÉTIMIBE 10 mg, comprimé|1|1 comprimé par jour
B01AC06|acide acétylsalicylique|ACIDE ACÉTYLSALICYLIQUE 75 mg, poudre en sachet|1|1 sachet par jour au cours du repas
B01AF02|apixaban|APIXABAN 5 mg, comprimé pelliculé|2|1 comprimé matin et soir
B01AA12|fluindione|FLUINDIONE 20 mg, comprimé quadrisécable|1|trois quarts de comprimé le soir, selon l'INR
B03AA07|sulfate ferreux|SULFATE FERREUX 80 mg, comprimé|1|1 comprimé par jour à distance des repas pendant 3 mois
H03AA01|lévothyroxine|LÉVOTHYROXINE 75 microgrammes, comprimé sécable|1
  |1 comprimé le matin à jeun, 30 minutes avant le repas
R03AC02|salbutamol|SALBUTAMOL 100 microgrammes/dose, suspension pour inhalation|0
  |1 à 2 bouffées en cas de gêne respiratoire
R03AK07|formotérol et budésonide|BUDÉSONIDE/FORMOTÉROL 200/6 microgrammes, poudre pour inhalation|2
  |1 inhalation matin et soir, rincer la bouche
R03BB04|tiotropium|TIOTROPIUM 18 microgrammes, poudre pour inhalation|1|1 inhalation par jour
R06AX27|desloratadine|DESLORATADINE 5 mg, comprimé|1|1 comprimé le soir pendant la saison pollinique
R05DA04|codéine|CODÉINE 20 mg, comprimé|0|1 comprimé en cas de toux gênante, 3 par jour au plus
N02BE01|paracétamol|PARACÉTAMOL 1 g, comprimé|3|1 comprimé toutes les 6 heures en cas de douleur, 3 par jour au plus
N02BE51|paracétamol et codéine|PARACÉTAMOL/CODÉINE 500 mg/30 mg, comprimé|3
  |1 comprimé 3 fois par jour si douleur intense
N02AX02|tramadol|TRAMADOL 50 mg, gélule|3|1 gélule toutes les 8 heures si douleur intense
N02CC01|sumatriptan|SUMATRIPTAN 50 mg, comprimé pelliculé|0|1 comprimé dès le début de la crise
M01AE01|ibuprofène|IBUPROFÈNE 400 mg, comprimé pelliculé|3|1 comprimé 3 fois par jour au cours des repas, 5 jours
M04AA01|allopurinol|ALLOPURINOL 200 mg, comprimé|1|1 comprimé par jour après le repas
M05BA07|risédronate|RISÉDRONATE 35 mg, comprimé pelliculé|0
  |1 comprimé par semaine, à jeun, debout, avec un grand verre d'eau
A11CC05|colécalciférol|COLÉCALCIFÉROL 100 000 UI, solution buvable en ampoule|0|1 ampoule tous les 3 mois
A02BC01|oméprazole|OMÉPRAZOLE 20 mg, gélule gastro-résistante|1|1 gélule le soir avant le repas
A03AX12|phloroglucinol|PHLOROGLUCINOL 80 mg, comprimé orodispersible|3|2 comprimés en cas de crise, 6 par jour au plus
A06AD65|macrogol|MACROGOL 10 g, poudre en sachet|1|1 à 2 sachets le matin
A07EC02|mésalazine|MÉSALAZINE 1 g, comprimé à libération prolongée|2|2 comprimés matin et soir
L04AX03|méthotrexate|MÉTHOTREXATE 2,5 mg, comprimé|0|6 comprimés UNE SEULE FOIS par semaine, le lundi
B03BB01|acide folique|ACIDE FOLIQUE 5 mg, comprimé|0|2 comprimés le mercredi, à 48 heures du méthotrexate
L02BG03|anastrozole|ANASTROZOLE 1 mg, comprimé pelliculé|1|1 comprimé par jour pendant 5 ans
L02AE02|leuproréline|LEUPRORÉLINE 11,25 mg, injectable|0|1 injection sous-cutanée tous les 3 mois
G04CA02|tamsulosine|TAMSULOSINE 0,4 mg, gélule à libération prolongée|1|1 gélule par jour après le petit-déjeuner
S01EE01|latanoprost|LATANOPROST 50 microgrammes/ml, collyre|1|1 goutte dans chaque œil le soir
N03AX14|lévétiracétam|LÉVÉTIRACÉTAM 500 mg, comprimé pelliculé|2|1 comprimé matin et soir, ne pas interrompre
N04BA02|lévodopa et bensérazide|LÉVODOPA/BENSÉRAZIDE 100 mg/25 mg, gélule|3|1 gélule 3 fois par jour à heures fixes
N06DA02|donépézil|DONÉPÉZIL 10 mg, comprimé orodispersible|1|1 comprimé le soir
N06AB10|escitalopram|ESCITALOPRAM 10 mg, comprimé pelliculé sécable|1|1 comprimé le matin
N06AB06|sertraline|SERTRALINE 50 mg, gélule|1|1 gélule le matin
N06AX16|venlafaxine|VENLAFAXINE 75 mg, gélule à libération prolongée|1|1 gélule le matin au cours du repas
N05BA04|oxazépam|OXAZÉPAM 10 mg, comprimé sécable|2|1 comprimé matin et soir, 4 semaines au plus
N05CF02|zolpidem|ZOLPIDEM 10 mg, comprimé pelliculé sécable|1|un demi-comprimé au coucher, 4 semaines au plus
N05AX08|rispéridone|RISPÉRIDONE 2 mg, comprimé pelliculé|1|1 comprimé le soir
N05AN01|lithium|LITHIUM 400 mg, comprimé à libération prolongée|1|2 comprimés le soir, lithiémie mensuelle
N06BA04|méthylphénidate|MÉTHYLPHÉNIDATE 20 mg, gélule à libération prolongée|1|1 gélule le matin, les jours d'école
N07BC01|buprénorphine|BUPRÉNORPHINE 8 mg, comprimé sublingual|1|1 comprimé par jour, délivrance fractionnée de 7 jours
N07BB03|acamprosate|ACAMPROSATE 333 mg, comprimé gastro-résistant|3|2 comprimés matin, midi et soir
N07BA01|nicotine|NICOTINE 21 mg/24 h, dispositif transdermique|1|1 timbre chaque matin pendant 4 semaines
J05AR20|bictégravir, emtricitabine et ténofovir alafénamide
  |BICTÉGRAVIR/EMTRICITABINE/TÉNOFOVIR ALAFÉNAMIDE 50/200/25 mg, comprimé pelliculé|1|1 comprimé par jour à heure fixe
J05AR03|ténofovir disoproxil et emtricitabine|EMTRICITABINE/TÉNOFOVIR 200/245 mg, comprimé pelliculé|1
  |1 comprimé par jour (prophylaxie préexposition)
J05AP55|sofosbuvir et velpatasvir|SOFOSBUVIR/VELPATASVIR 400/100 mg, comprimé pelliculé|1
  |1 comprimé par jour pendant 12 semaines
J01CA04|amoxicilline|AMOXICILLINE 1 g, comprimé dispersible|2|1 comprimé matin et soir pendant 6 jours
J01CR02|amoxicilline et acide clavulanique|AMOXICILLINE/ACIDE CLAVULANIQUE 1 g/125 mg, sachet|3
  |1 sachet 3 fois par jour pendant 7 jours
J01XX01|fosfomycine|FOSFOMYCINE TROMÉTAMOL 3 g, granulés en sachet|0|1 sachet en prise unique
J01AA02|doxycycline|DOXYCYCLINE 100 mg, comprimé pelliculé sécable|2|1 comprimé matin et soir pendant 7 jours
J01CE08|benzathine benzylpénicilline|BENZATHINE BENZYLPÉNICILLINE 2,4 MUI, injectable|0
  |1 injection intramusculaire unique
J01FA09|clarithromycine|CLARITHROMYCINE 500 mg, comprimé pelliculé|2|1 comprimé matin et soir pendant 5 jours
G03AA07|lévonorgestrel et éthinylestradiol|LÉVONORGESTREL/ÉTHINYLESTRADIOL 150/30 microgrammes, comprimé|1
  |1 comprimé par jour 21 jours sur 28
G03AC09|désogestrel|DÉSOGESTREL 75 microgrammes, comprimé pelliculé|1|1 comprimé par jour sans interruption
G03AD01|lévonorgestrel|LÉVONORGESTREL 1,5 mg, comprimé|0|1 comprimé en prise unique, le plus tôt possible
D07AC01|bétaméthasone|BÉTAMÉTHASONE 0,05 %, crème|1|1 application le soir sur les lésions pendant 10 jours
D05AX02|calcipotriol|CALCIPOTRIOL 50 microgrammes/g, pommade|2|1 application matin et soir sur les plaques
D01AC01|clotrimazole|CLOTRIMAZOLE 1 %, crème|2|1 application matin et soir pendant 3 semaines
A07DA03|lopéramide|LOPÉRAMIDE 2 mg, gélule|0|1 gélule après chaque selle liquide, 8 par jour au plus
B01AB05|énoxaparine|ÉNOXAPARINE 4000 UI, seringue préremplie|1|1 injection sous-cutanée par jour pendant 10 jours`

/** How a product is taken, by its pharmaceutical form; anything else is swallowed. */
const ROUTES: readonly (readonly [RegExp, string])[] = [
  [/solution injectable|stylo|seringue/, 'voie sous-cutanée'],
  [/injectable$/, 'voie injectable'],
  [/inhalation/, 'voie inhalée'],
  [/collyre/, 'voie ophtalmique'],
  [/crème|pommade|transdermique/, 'voie cutanée'],
  [/sublingual/, 'voie sublinguale'],
]

function parse(row: string): Drug {
  const [atc = '', substance = '', product = '', perDay = '', dosage = ''] = row.split(/\s*\|/)
  const route = ROUTES.find(([pattern]) => pattern.test(product))?.[1] ?? 'voie orale'
  return { atc, substance, product, dosage, perDay: Number(perDay), route }
}

const DRUGS: ReadonlyMap<string, Drug> = new Map(TABLE.split(/\n(?! )/).map(parse).map((row) => [row.atc, row]))

/** The product of an ATC code. A code missing from the table is a mistake in another table, so it throws RangeError. */
export function drug(atc: string): Drug {
  const found = DRUGS.get(atc)
  if (!found) throw new RangeError(`the drug table has no ATC code ${atc}`)
  return found
}
