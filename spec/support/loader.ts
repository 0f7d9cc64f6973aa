/**
 * What Node is given so that it runs TypeScript. Under `npm test` the project's own files run from their mirror, which
 * costs half as much as tsx at each start (scripts/mirror.ts); a spec that is run by hand goes by tsx, and so does a
 * process that loads other TypeScript than the project's, or that imports the project from elsewhere.
 */

const { MILLRACE_MIRROR: mirror } = process.env

export const TSX: readonly string[] = ['--import', import.meta.resolve('tsx')]
export const LOADER: readonly string[] = mirror === undefined ? TSX : ['--require', mirror]
