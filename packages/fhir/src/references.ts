/**
 * References between resources: walking and rewriting them, and whose record a resource is.
 * @module
 */
export { parseReference } from './reference-text.ts'
export type { ParsedReference } from './reference-text.ts'
export { mapReferences, referencesOf } from './reference-walk.ts'
export { patientOf, subjectElements } from './patient-of.ts'
export type { OwnerContext, ResourceOwner } from './patient-of.ts'
export { createCondition, transactionLookups } from './transaction-entries.ts'
export type { ConditionalLookup } from './transaction-entries.ts'
export { planTransaction } from './transaction.ts'
export type { PlannedEntry, PlanOptions, TransactionPlan } from './transaction.ts'
