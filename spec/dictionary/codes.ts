/**
 * Codes and displays that health records everywhere repeat: LOINC, SNOMED CT, UCUM, ATC, CVX, HL7 tables; French and
 * English. Written by hand for this dictionary, not taken from any population. Rarest first within each list.
 */

/** Code, display: LOINC terms of laboratory, vital signs and documents. */
export const LOINC: readonly (readonly [string, string])[] = [
  ['57021-8', 'CBC W Auto Differential panel - Blood'], ['58410-2', 'CBC panel - Blood by Automated count'],
  ['51990-0', 'Basic metabolic panel - Blood'], ['24323-8', 'Comprehensive metabolic 2000 panel - Serum or Plasma'],
  ['24356-8', 'Urinalysis complete panel - Urine'], ['57698-3', 'Lipid panel with direct LDL - Serum or Plasma'],
  ['5902-2', 'Prothrombin time (PT)'], ['6301-6', 'INR in Platelet poor plasma by Coagulation assay'],
  ['1988-5', 'C reactive protein [Mass/volume] in Serum or Plasma'], ['3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma'],
  ['2276-4', 'Ferritin [Mass/volume] in Serum or Plasma'], ['2132-9', 'Cobalamin (Vitamin B12) [Mass/volume] in Serum or Plasma'],
  ['1989-3', 'Calcidiol [Mass/volume] in Serum or Plasma'], ['2857-1', 'Prostate specific Ag [Mass/volume] in Serum or Plasma'],
  ['10834-0', 'Globulin [Mass/volume] in Serum by calculation'], ['1975-2', 'Bilirubin.total [Mass/volume] in Serum or Plasma'],
  ['6768-6', 'Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma'],
  ['1742-6', 'Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma'],
  ['1920-8', 'Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma'],
  ['2885-2', 'Protein [Mass/volume] in Serum or Plasma'], ['1751-7', 'Albumin [Mass/volume] in Serum or Plasma'],
  ['14959-1', 'Microalbumin/Creatinine [Mass Ratio] in Urine'], ['5811-5', 'Specific gravity of Urine by Test strip'],
  ['5803-2', 'pH of Urine by Test strip'], ['5804-0', 'Protein [Mass/volume] in Urine by Test strip'],
  ['25428-4', 'Glucose [Presence] in Urine by Test strip'], ['20454-5', 'Protein [Presence] in Urine by Test strip'],
  ['5802-4', 'Nitrite [Presence] in Urine by Test strip'], ['5799-2', 'Leukocyte esterase [Presence] in Urine by Test strip'],
  ['5794-3', 'Hemoglobin [Presence] in Urine by Test strip'], ['5778-6', 'Color of Urine'], ['5767-9', 'Appearance of Urine'],
  ['33914-3', 'Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum or Plasma by Creatinine-based formula'],
  ['17861-6', 'Calcium [Mass/volume] in Serum or Plasma'], ['2075-0', 'Chloride [Moles/volume] in Serum or Plasma'],
  ['2028-9', 'Carbon dioxide, total [Moles/volume] in Serum or Plasma'], ['6298-4', 'Potassium [Moles/volume] in Blood'],
  ['2823-3', 'Potassium [Moles/volume] in Serum or Plasma'], ['2951-2', 'Sodium [Moles/volume] in Serum or Plasma'],
  ['2947-0', 'Sodium [Moles/volume] in Blood'], ['3094-0', 'Urea nitrogen [Mass/volume] in Serum or Plasma'],
  ['38483-4', 'Creatinine [Mass/volume] in Blood'], ['2160-0', 'Creatinine [Mass/volume] in Serum or Plasma'],
  ['2339-0', 'Glucose [Mass/volume] in Blood'], ['2345-7', 'Glucose [Mass/volume] in Serum or Plasma'],
  ['2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma'], ['2571-8', 'Triglyceride [Mass/volume] in Serum or Plasma'],
  ['18262-6', 'Low Density Lipoprotein Cholesterol'], ['13457-7', 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation'],
  ['2085-9', 'Cholesterol in HDL [Mass/volume] in Serum or Plasma'],
  ['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood'], ['6690-2', 'Leukocytes [#/volume] in Blood by Automated count'],
  ['789-8', 'Erythrocytes [#/volume] in Blood by Automated count'], ['718-7', 'Hemoglobin [Mass/volume] in Blood'],
  ['4544-3', 'Hematocrit [Volume Fraction] of Blood by Automated count'],
  ['787-2', 'MCV [Entitic volume] by Automated count'], ['785-6', 'MCH [Entitic mass] by Automated count'],
  ['786-4', 'MCHC [Mass/volume] by Automated count'], ['788-0', 'Erythrocyte distribution width [Ratio] by Automated count'],
  ['21000-5', 'Erythrocyte distribution width [Entitic volume] by Automated count'],
  ['777-3', 'Platelets [#/volume] in Blood by Automated count'], ['32623-1', 'Platelet mean volume [Entitic volume] in Blood by Automated count'],
  ['32207-3', 'Platelet distribution width [Entitic volume] in Blood by Automated count'],
  ['751-8', 'Neutrophils [#/volume] in Blood by Automated count'], ['731-0', 'Lymphocytes [#/volume] in Blood by Automated count'],
  ['60591-5', 'Patient summary Document'], ['18842-5', 'Discharge summary'], ['11506-3', 'Progress note'],
  ['11502-2', 'Laboratory report'], ['18748-4', 'Diagnostic imaging study'], ['57133-1', 'Referral note'],
  ['34117-2', 'History and physical note'], ['51847-2', 'Evaluation + Plan note'], ['34133-9', 'Summary of episode note'],
  ['71802-3', 'Housing status'], ['82589-3', 'Highest level of education'], ['67875-5', 'Employment status - current'],
  ['55757-9', 'Patient Health Questionnaire 2 item (PHQ-2) total score [Reported]'],
  ['44261-6', 'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]'],
  ['70274-6', 'Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]'],
  ['75626-2', 'Total score [AUDIT-C]'], ['72514-3', 'Pain severity - 0-10 verbal numeric rating [Score] - Reported'],
  ['59576-9', 'Body mass index (BMI) [Percentile] Per age and sex'], ['8289-1', 'Head Occipital-frontal circumference Percentile'],
  ['77606-2', 'Weight-for-length Per age and sex'], ['9843-4', 'Head Occipital-frontal circumference'],
  ['59408-5', 'Oxygen saturation in Arterial blood by Pulse oximetry'], ['2708-6', 'Oxygen saturation in Arterial blood'],
  ['8310-5', 'Body temperature'], ['9279-1', 'Respiratory rate'], ['8867-4', 'Heart rate'],
  ['72166-2', 'Tobacco smoking status'], ['39156-5', 'Body mass index (BMI) [Ratio]'], ['29463-7', 'Body Weight'],
  ['8302-2', 'Body Height'], ['85354-9', 'Blood pressure panel with all children optional'],
  ['8462-4', 'Diastolic Blood Pressure'], ['8480-6', 'Systolic Blood Pressure'],
]

/** Code, display: SNOMED CT concepts. */
export const SNOMED: readonly (readonly [string, string])[] = [
  ['91936005', 'Allergy to penicillin'], ['300916003', 'Latex allergy'], ['424213003', 'Allergy to bee venom'],
  ['39579001', 'Anaphylaxis (disorder)'], ['271807003', 'Eruption of skin'], ['49727002', 'Cough (finding)'],
  ['386661006', 'Fever (finding)'], ['267036007', 'Dyspnea (finding)'], ['25064002', 'Headache (finding)'],
  ['195662009', 'Acute viral pharyngitis (disorder)'], ['10509002', 'Acute bronchitis (disorder)'],
  ['444814009', 'Viral sinusitis (disorder)'], ['65363002', 'Otitis media'], ['233604007', 'Pneumonia (disorder)'],
  ['195967001', 'Asthma (disorder)'], ['13645005', 'Chronic obstructive pulmonary disease (disorder)'],
  ['44054006', 'Diabetes mellitus type 2 (disorder)'], ['46635009', 'Diabetes mellitus type 1 (disorder)'],
  ['714628002', 'Prediabetes (finding)'], ['55822004', 'Hyperlipidemia (disorder)'], ['302870006', 'Hypertriglyceridemia (disorder)'],
  ['237602007', 'Metabolic syndrome X (disorder)'], ['162864005', 'Body mass index 30+ - obesity (finding)'],
  ['271737000', 'Anemia (disorder)'], ['431855005', 'Chronic kidney disease stage 1 (disorder)'],
  ['414545008', 'Ischemic heart disease (disorder)'], ['22298006', 'Myocardial infarction (disorder)'],
  ['84114007', 'Heart failure (disorder)'], ['49436004', 'Atrial fibrillation (disorder)'], ['230690007', 'Cerebrovascular accident'],
  ['35489007', 'Depressive disorder'], ['197480006', 'Anxiety disorder'], ['26929004', 'Alzheimer\'s disease (disorder)'],
  ['64859006', 'Osteoporosis (disorder)'], ['396275006', 'Osteoarthritis'], ['82423001', 'Chronic pain (finding)'],
  ['278860009', 'Chronic low back pain (finding)'], ['128613002', 'Seizure disorder'], ['72892002', 'Normal pregnancy'],
  ['86406008', 'Human immunodeficiency virus infection (disorder)'], ['840539006', 'COVID-19'], ['73595000', 'Stress (finding)'],
  ['160903007', 'Full-time employment (finding)'], ['314529007', 'Medication review due (situation)'],
  ['266919005', 'Never smoked tobacco (finding)'], ['8517006', 'Ex-smoker (finding)'], ['59621000', 'Essential hypertension (disorder)'],
  ['185345009', 'Encounter for symptom'], ['185349003', 'Encounter for check up (procedure)'], ['308335008', 'Patient encounter procedure'],
  ['390906007', 'Follow-up encounter (procedure)'], ['50849002', 'Emergency room admission (procedure)'],
  ['32485007', 'Hospital admission (procedure)'], ['410620009', 'Well child visit (procedure)'],
  ['162673000', 'General examination of patient (procedure)'], ['430193006', 'Medication reconciliation (procedure)'],
  ['710824005', 'Assessment of health and social care needs (procedure)'], ['171207006', 'Depression screening (procedure)'],
  ['399208008', 'Plain X-ray of chest (procedure)'], ['73761001', 'Colonoscopy (procedure)'], ['80146002', 'Appendectomy (procedure)'],
  ['76601001', 'Intramuscular injection (procedure)'], ['265764009', 'Renal dialysis (procedure)'],
  ['384700001', 'Injection of tetanus antitoxin (procedure)'], ['736376001', 'Infectious disease care plan'],
  ['53950000', 'Respiratory therapy (procedure)'], ['261665006', 'Unknown (qualifier value)'], ['260385009', 'Negative (qualifier value)'],
]

/** Units, UCUM code beside what is shown. */
export const UNITS: readonly string[] = [
  'mmol/L', 'g/L', 'mg/L', 'mg/dL', 'g/dL', 'ug/L', 'ng/mL', 'pg', 'fL', 'U/L', 'mU/L', 'meq/L', 'umol/L', '10*3/uL', '10*6/uL',
  'mL/min/{1.73_m2}', '{score}', '{INR}', 's', 'Cel', '/min', 'kg/m2', 'cm', 'kg', '%', 'mm[Hg]',
]

/** CVX vaccines. */
export const VACCINES: readonly (readonly [string, string])[] = [
  ['03', 'MMR'], ['08', 'Hep B, adolescent or pediatric'], ['10', 'IPV'], ['20', 'DTaP'], ['21', 'varicella'], ['33', 'pneumococcal polysaccharide vaccine, 23 valent'],
  ['43', 'Hep B, adult'], ['49', 'Hib (PRP-OMP)'], ['52', 'Hep A, adult'], ['62', 'HPV, quadrivalent'], ['83', 'Hep A, ped/adol, 2 dose'],
  ['113', 'Td (adult) preservative free'], ['114', 'meningococcal MCV4P'], ['115', 'Tdap'], ['119', 'rotavirus, monovalent'], ['121', 'zoster vaccine, live'],
  ['133', 'Pneumococcal conjugate PCV 13'], ['208', 'SARS-COV-2 (COVID-19) vaccine, mRNA, spike protein, LNP, preservative free, 30 mcg/0.3mL dose'],
  ['140', 'Influenza, seasonal, injectable, preservative free'],
]

/** ATC code and French name; RxNorm-like English product names. */
export const MEDICATIONS: readonly (readonly [string, string])[] = [
  ['N02BE01', 'Paracétamol'], ['M01AE01', 'Ibuprofène'], ['J01CA04', 'Amoxicilline'], ['J01CR02', 'Amoxicilline et acide clavulanique'],
  ['A02BC01', 'Oméprazole'], ['C10AA05', 'Atorvastatine'], ['C09AA05', 'Ramipril'], ['C07AB07', 'Bisoprolol'], ['C03CA01', 'Furosémide'],
  ['B01AC06', 'Acide acétylsalicylique'], ['B01AF02', 'Apixaban'], ['A10BA02', 'Metformine'], ['A10AE04', 'Insuline glargine'],
  ['H03AA01', 'Lévothyroxine sodique'], ['R03AC02', 'Salbutamol'], ['N06AB10', 'Escitalopram'], ['N05BA12', 'Alprazolam'],
  ['314231', 'Simvastatin 10 MG Oral Tablet'], ['314076', 'lisinopril 10 MG Oral Tablet'], ['310798', 'Hydrochlorothiazide 25 MG Oral Tablet'],
  ['308136', 'amLODIPine 2.5 MG Oral Tablet'], ['860975', '24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet'],
  ['313782', 'Acetaminophen 325 MG Oral Tablet'], ['310965', 'Ibuprofen 200 MG Oral Tablet'], ['849574', 'Naproxen sodium 220 MG Oral Tablet'],
  ['309362', 'Clopidogrel 75 MG Oral Tablet'], ['866412', '24 HR metoprolol succinate 100 MG Extended Release Oral Tablet'],
  ['308182', 'Amoxicillin 250 MG Oral Capsule'], ['562251', 'Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet'],
  ['745679', 'albuterol 0.09 MG/ACTUAT Metered Dose Inhaler'], ['312961', 'simvastatin 20 MG Oral Tablet'],
]
