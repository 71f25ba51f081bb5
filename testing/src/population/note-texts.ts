/**
 * Free text of the kind that practice software collected and that leaked in 2025: a comment field, filled by people
 * in a hurry, holding what nobody would code. All of it is invented. `{male|female}` follows the patient's sex,
 * `{name}` is a value drawn at random.
 */

export type Theme =
  | 'banal' | 'clinical' | 'hiv' | 'sexuality' | 'religion' | 'violence' | 'money' | 'addiction' | 'mind' | 'family'

export const NOTE_TEXTS: Readonly<Record<Theme, readonly string[]>> = {
  banal: [
    'Préfère être rappelé{|e} le {jour} après {heure} h, travaille de nuit à {lieu}.',
    'Carte Vitale oubliée le {date}, feuille de soins papier remise n° {numero}.',
    'Ne conduit plus, accompagné{|e} par {sa} {proche} {prenom} ; prévoir transport assis.',
    'Code de l\'immeuble {numero}, interphone au nom de {famille}, 3e étage sans ascenseur.',
    'Malentendant{|e} côté {cote}, parler face à {lui|elle}. Rendez-vous du {date} à rallonger.',
    'Ordonnances à envoyer à la pharmacie de {lieu}, contact : {prenom} {famille}.',
    'Personne de confiance désignée le {date} : {prenom} {famille}, {proche}.',
    'Retard habituel de {petit} minutes, vient en bus depuis {lieu}.',
    'Demande un interprète en {langue} ; {sa} {proche} {prenom} peut aider au téléphone.',
    'A déménagé en {mois} {annee}, ancien médecin traitant : Dr {famille} à {lieu}, dossier demandé.',
    'Résultats à donner uniquement à {lui|elle}-même, jamais par téléphone à {prenom}.',
  ],
  clinical: [
    'Observance discutée le {date} : oublie la prise du soir environ {petit} fois par mois.',
    'Dit avoir perdu {petit} kg depuis {mois} {annee}, appétit conservé. Revoir avec bilan.',
    'Tension prise à domicile par {sa} {proche} : moyennes relevées jusqu\'au {date}, carnet scanné.',
    'Fatigue depuis {mois} {annee} ; dort {petit} heures, dit « tourner à vide ». À réévaluer.',
    'Prélèvement difficile, piquer côté {cote}. Échantillon n° {numero} légèrement hémolysé.',
    'A arrêté le traitement {petit} jours en {mois} sans en parler, reprise progressive expliquée.',
    'Douleur cotée {petit}/10 le {date}, soulagée par le repos, réveils nocturnes rares.',
    'Contrôle conseillé avant le {date}. A lu le compte rendu avec {sa} {proche} {prenom}.',
  ],
  hiv: [
    'SÉROPOSITIF{|VE} depuis {annee}. Ne veut surtout pas que {sa} {proche} {prenom} le sache.',
    'VIH connu à {lieu} seulement ; jamais de message vocal. Traitement livré sous un autre nom depuis {mois}.',
    'Annonce du VIH le {date}, en larmes, parle de honte. Suivi{|e} par l\'association {asso}.',
    'Charge virale indétectable depuis {mois} {annee} ; employeur ({lieu}) non informé, arrêts signés « virose ».',
    'Dentiste à {lieu} a refusé les soins après avoir lu VIH sur le courrier du {date}. Plainte envisagée.',
    'Compagnon prénommé {prenom} sous PrEP, consultation de couple demandée le {date}.',
  ],
  sexuality: [
    'Homosexuel{|le}, en couple avec {prenom_meme} depuis {annee}. Famille pas au courant, courrier au cabinet.',
    'Partenaires multiples (application), dépistage tous les {petit} mois, résultats par {prenom} au CeGIDD.',
    'En questionnement de genre depuis {annee}, souhaite qu\'on l\'appelle {prenom} ; parents opposés.',
    'IVG en {mois} {annee} à {lieu}, demande qu\'aucune trace n\'arrive chez {sa} {proche}.',
    'Liaison avec {prenom} {famille} évoquée le {date} ; craint une IST, conjoint non prévenu.',
    'Travaille comme escort à {lieu} certains soirs depuis {mois} {annee}, dépistages rapprochés.',
    'Difficultés sexuelles depuis l\'opération de {annee}, n\'ose pas en parler à {prenom}.',
  ],
  religion: [
    'Témoin de Jéhovah : refus écrit de transfusion daté du {date}, original au dossier n° {numero}.',
    'Ramadan : décale ses prises, a fait un malaise le {date} à {lieu}. Imam {prenom} {famille} prêt à en parler.',
    'Famille très pratiquante, {sa} {proche} {prenom} exige un soignant du même sexe. Tension à l\'accueil le {date}.',
    'A quitté une communauté religieuse fermée en {annee} ; menaces de l\'entourage, adresse à {lieu} à ne pas donner.',
    'Kippa et repas casher demandés pour l\'hospitalisation du {date}, rabbin {famille} à joindre.',
    'Bouddhiste, vœux prononcés à {lieu} en {annee}, refuse tout produit d\'origine animale.',
  ],
  violence: [
    'Hématomes inexpliqués côté {cote} le {date}. Dit de {prenom} : « il s\'énerve ». Certificat rédigé, n° {numero}.',
    'Violences conjugales depuis {annee} ; ne JAMAIS rappeler à domicile, passer par {sa} {proche} au travail.',
    'Agressé{|e} à {lieu} en {mois} {annee}, viol déclaré, plainte n° {numero} classée. Suivi psychologique.',
    'Enfant placé en {mois} {annee} ; signalement par {prenom} {famille}, assistante sociale. Audience le {date}.',
    'Père violent, incarcéré depuis {annee} à {lieu}. Cauchemars, ne supporte pas la porte fermée.',
    'A menacé la secrétaire le {date} ; main courante n° {numero}. Recevoir à deux.',
    'Ordonnance de protection jusqu\'au {date} contre {prenom} {famille}, adresse confidentielle à {lieu}.',
  ],
  money: [
    'Impayé de {montant} € depuis le {date}, chèque refusé. Ne plus faire d\'avance.',
    'Interdit{|e} bancaire, surendettement déposé en {mois} {annee}. Tiers payant intégral svp.',
    'Dit dormir dans sa voiture à {lieu} depuis {mois}. Domiciliation au CCAS, contact {prenom} {famille}.',
    'A hérité de {montant} 000 € en {annee}, {sa} {proche} {prenom} le sollicite beaucoup. Méfiance sur procuration.',
    'Fin de droits en {mois} {annee}, saute les repas {petit} fois par semaine. Aide alimentaire {asso}.',
    'RSA suspendu le {date}, travaille non déclaré à {lieu}. Ne pas mentionner sur l\'arrêt.',
  ],
  addiction: [
    'Cocaïne le week-end avec {prenom} depuis {annee}, dit gérer. Malaise à {lieu} le {date}.',
    'Sevrage tenu {petit} semaines, rechute le {date} après dispute avec {sa} {proche}.',
    'Odeur d\'alcool au rendez-vous de {heure} h le {date}. Conduit un car scolaire à {lieu}.',
    'Nomadisme : {petit} pharmacies en {mois} {annee}, ordonnance n° {numero} probablement falsifiée.',
    'Joue en ligne, dettes de {montant} €, {sa} {proche} {prenom} ne sait rien.',
  ],
  mind: [
    'Idées noires exprimées le {date}, plan évoqué (pont de {lieu}). {prenom} garde les médicaments.',
    'TS en {mois} {annee}, réanimation à {lieu}. Famille dit « accident ». Ne pas lever le secret.',
    'Hospitalisation sous contrainte en {annee} à la demande de {sa} {proche} {prenom}, rancune tenace.',
    'Entend la voix de {prenom} depuis {mois} {annee}, n\'en a parlé qu\'ici.',
    'Deuil périnatal en {mois} {annee}, prénom choisi : {prenom}. Ne pas demander « combien d\'enfants ».',
    'Scarifications avant-bras {cote} vues le {date}, cachées aux parents. Infirmière scolaire : {prenom} {famille}.',
  ],
  family: [
    'Né{|e} sous X, a retrouvé {sa} {proche} à {lieu} en {annee}. Origines à ne pas évoquer devant {prenom}.',
    'Test de paternité fait à l\'étranger en {mois} {annee} : {prenom} ne serait pas son père.',
    'Divorce en cours (avocat Me {famille}), la partie adverse a demandé le dossier le {date}. REFUSER.',
    'Sans papiers depuis {annee}, AME n° {numero}. Hébergé{|e} chez {prenom} {famille} à {lieu}.',
    'Sort de détention ({lieu}, {mois} {annee}), bracelet jusqu\'au {date}. Voisins pas au courant.',
    'Élu{|e} municipal{|e} de {lieu}, craint la presse. Rendez-vous sous le nom {famille}.',
  ],
}

/** Values that fill a note. */
export const NOTE_VALUES = {
  jour: ['lundi', 'mardi', 'mercredi', 'jeudi', 'vendredi'],
  mois: ['janvier', 'février', 'mars', 'avril', 'mai', 'juin', 'juillet', 'août', 'septembre', 'octobre', 'novembre',
    'décembre'],
  cote: ['gauche', 'droit', 'gauche', 'droit'],
  prenom: ['Solveig', 'Thibaud', 'Ludivine', 'Karim', 'Océane', 'Bastien', 'Nawel', 'Gwenaël', 'Aurore', 'Moussa',
    'Isaline', 'Rodrigue', 'Mélusine', 'Farid', 'Capucine', 'Yannick', 'Priscille', 'Élouan', 'Samia', 'Amaury'],
  famille: ['Castelnau', 'Brévignon', 'Oudinet', 'Marchegay', 'Le Tallec', 'Sabourault', 'Ferrandi', 'Quesnoy',
    'Belhassen', 'Vautrin', 'Diakhaté', 'Hespéride', 'Montclar', 'Rigolleau', 'Tréguier', 'Arrighetti'],
  lieu: ['Valmont', 'Sainte-Aldegonde', 'Pont-l\'Aubier', 'Montreval', 'La Chesnaye', 'Bois-Hardi', 'Roquebrise',
    'Courvières', 'Villeneuve-les-Ormes', 'Saint-Elpidon', 'Grand-Fossé', 'Les Essarts-Noirs'],
  asso: ['Main Ouverte', 'Les Passerelles', 'Escale 37', 'Le Fil d\'Ariane', 'Horizons Solidaires', 'La Lanterne'],
  langue: ['arabe', 'portugais', 'turc', 'lingala', 'dari', 'ukrainien', 'tamoul', 'langue des signes'],
} as const

/** Relatives, with the possessive that French puts before them. */
export const RELATIVES: readonly (readonly [possessive: string, relative: string])[] = [
  ['sa', 'sœur'], ['sa', 'mère'], ['son', 'frère'], ['sa', 'fille'], ['son', 'fils'], ['sa', 'voisine'],
  ['son', 'oncle'], ['sa', 'cousine'], ['son', 'père'], ['sa', 'belle-mère'], ['son', 'ex'],
]
