/** A certificate authority for one spec: it signs for localhost, and for clients. Made by the openssl command. */

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Pair {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: Buffer
  readonly key: Buffer
}

export interface Certificates {
  readonly ca: Pair
  /** For localhost and 127.0.0.1. */
  readonly server: Pair
  readonly client: Pair
}

export const hasOpenssl = (): boolean => spawnSync('openssl', ['version']).status === 0

export function makeCertificates(dir: string): Certificates {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
  }
  const pair = (name: string, subject: string, ...more: string[]): Pair => {
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      `${name}.key`,
    ]
    openssl('req', '-x509', ...key, '-out', `${name}.crt`, '-days', '2', '-subj', `/CN=${subject}`, ...more)
    const [certFile, keyFile] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)]
    return { certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) }
  }
  const ca = pair('ca', 'An authority of this spec')
  const leaf = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', 'basicConstraints=critical,CA:false']
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  return {
    ca,
    server: pair('server', 'localhost', ...leaf, ...names),
    client: pair('client', 'a client', ...leaf),
  }
}
