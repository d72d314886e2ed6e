import fc from 'fast-check'

/**
 * The verdict on a change is no matter of luck: with `PROPERTY_SEED`, properties are tried with the same values every
 * time. `random` gives others each time, to find what these do not.
 */
const { PROPERTY_SEED: given = 'random' } = process.env
if (given !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(given) })
