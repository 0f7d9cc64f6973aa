/** Lets this process import TypeScript: Node does so itself from 22.18 on, and tsx does it where it is installed. */

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { EXIT, ExitError } from './exit.ts'

const isTypeScript = (file: string): boolean => /\.[cm]?ts$/.test(file)

let isReady = false

/** For these files; looks for tsx from `folder` on upwards. Throws ExitError where there is no way. */
export async function prepareFor(files: readonly string[], folder: string): Promise<void> {
  const file = files.find(isTypeScript)
  if (file === undefined || isReady || canAlready()) return
  await importTsx(file, folder)
  isReady = true
}

function canAlready(): boolean {
  const options = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`
  return Boolean((process.features as { typescript?: unknown }).typescript) || /\btsx\b/.test(options)
}

/** As `--import tsx` does. Its `tsx/esm/api` that `require.resolve` finds is CommonJS, and fails to register. */
async function importTsx(file: string, folder: string): Promise<void> {
  try {
    await import(pathToFileURL(createRequire(`${folder}/`).resolve('tsx')).href)
  } catch (error) {
    throw new ExitError(
      EXIT.usage,
      `${file} is TypeScript, which Node ${process.versions.node} does not read by itself.\n` +
        'Install tsx (npm install --save-dev tsx), use Node 22.18 or newer, or name the compiled .js file.',
      { cause: error },
    )
  }
}
