export { type Cosigner, cosignersOf } from './cosignature.js'
export { type TlogWitnessOptions, tlogWitness } from './tlog-witness.js'
