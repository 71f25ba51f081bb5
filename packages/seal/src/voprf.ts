/**
 * Finding a patient's vault without telling anybody who the patient is: the client's side, a trustee's side, and how
 * trustees make their key. Opens nothing but the values that other trustees, or whoever chose a PIN, dealt to the
 * holder.
 */
export {
  type Blinding, blindInput, evaluateBlinded, type Evaluation, evaluationHolds, finishEvaluation, type KeyShare,
  type PartialEvaluation, placeOf, pseudonymOf, requireEvaluation,
} from './voprf/evaluation.ts'
export {
  deal, keyOfDealings, readDealing, shareOfDealings, type ToDeal, type VerifiedDealing, verifyDealing,
} from './voprf/dealing.ts'
export { verifyDiscoveryKey } from './voprf/key.ts'
export { dealPin, type DealtPin, openPinShare, type PinShareToOpen, type PinToDeal } from './voprf/pin.ts'
