/**
 * Takes one guard out of lib/ while it is loaded: `node --import ./spec/chaos/without.mjs --import tsx …` with GUARD set
 * to its name. The product has no such switch. Registered ahead of the loader for TypeScript, it sees the files as
 * they are written.
 */

import { register } from 'node:module'

register('./without-hooks.mjs', import.meta.url, { data: process.env.GUARD })
