import fc from 'fast-check';

const usualSeed = 20_261_125;
const asked = process.env['ARMADA_FUZZ_SEED'];

/**
 * Where all made-up examples begin: what lands is judged by the same ones each time, and `ARMADA_FUZZ_SEED=random` looks
 * for what they don't show. Whoever imports this has it as fast-check's seed.
 */
export const fuzzSeed = asked === 'random' ? Date.now() % 2 ** 31 : Number(asked) || usualSeed;
fc.configureGlobal({ seed: fuzzSeed });
