/**
 * What stands before every npm script: `node scripts/setup.mjs scripts/x.ts [arguments…]`.
 *
 * It checks Node, installs the packages when the lockfile asks for it, and hands over to the script under
 * tsx; its exit code is the script's. It uses nothing but Node, because in a fresh clone nothing else is
 * there, and it keeps to syntax and modules that Node 14 knows, so that an old Node says what is wrong.
 */
// biome-ignore-all lint/style/useNodejsImportProtocol: Node 14.0 to 14.17 cannot import node: names
import { spawn, spawnSync } from 'child_process'
import { createHash } from 'crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'fs'
import { constants } from 'os'
import { basename, dirname, join } from 'path'
import { fileURLToPath } from 'url'

/** EX_UNAVAILABLE of sysexits.h: something that this needs is not on this machine. */
const UNAVAILABLE = 69

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lockfile = join(root, 'package-lock.json')
const stamp = join(root, 'node_modules', '.millrace-lock')

function fail(message, code) {
  process.stderr.write(`${message}\n`)
  process.exit(code)
}

function checkNode() {
  const parts = process.versions.node.split('.').map(Number)
  if (parts[0] > 20 || (parts[0] === 20 && parts[1] >= 19)) return
  fail(
    `Millrace needs Node 20.19 or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'Install one from https://nodejs.org, or with a version manager: nvm install 22',
    UNAVAILABLE,
  )
}

function lockHash() {
  return createHash('sha256').update(readFileSync(lockfile)).digest('hex')
}

function installed(hash) {
  if (!existsSync(join(root, 'node_modules', 'tsx', 'package.json'))) return false
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return true
  // Someone ran npm by hand: npm writes its own copy of the lockfile at the same time as the lockfile.
  const copy = join(root, 'node_modules', '.package-lock.json')
  return existsSync(copy) && statSync(copy).mtimeMs >= statSync(lockfile).mtimeMs - 1000
}

function remember(hash) {
  try {
    if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash) writeFileSync(stamp, hash)
  } catch (_error) {
    // Packages of another user, as in some containers: without a stamp the times decide again.
  }
}

function install() {
  const started = Date.now()
  process.stderr.write('Installing packages (npm ci)… ')
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  // Under `npm start` this is the very npm that was called. Other package managers set it to themselves.
  const npm = process.env.npm_execpath
  const known = npm && /^npm(-cli)?\.c?js$/.test(basename(npm))
  const result = known
    ? spawnSync(process.execPath, [npm].concat(args), { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })
    : spawnSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (result.error) {
    fail(
      `failed.\nnpm did not start (${result.error.message}). Run "npm ci" in ${root}, then try again.`,
      UNAVAILABLE,
    )
  }
  if (result.signal) process.exit(128 + constants.signals[result.signal])
  if (result.status !== 0) fail(`failed.\n${result.stdout}${result.stderr}`, result.status)
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

function handOver(script, args) {
  const tsx = import.meta.resolve('tsx')
  const child = spawn(process.execPath, ['--import', tsx, script].concat(args), { stdio: 'inherit' })
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  // Listening is what keeps this process alive until the script has ended in its own way. A terminal sends
  // ctrl-C to the script as well, and many programs take a second one for "end at once".
  process.on('SIGINT', () => {
    if (!terminal) child.kill('SIGINT')
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGHUP'))
  child.on('error', (error) => fail(`${script} did not start: ${error.message}`, 1))
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))
}

checkNode()
const script = process.argv[2]
if (!script) fail('usage: node scripts/setup.mjs <script.ts> [arguments…]', 64)
const hash = lockHash()
if (!installed(hash)) install()
remember(hash)
handOver(script, process.argv.slice(3))
