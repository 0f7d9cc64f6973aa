/** Runs a line of shell in a pseudo-terminal, by script(1) of util-linux, and types what it is sent; SIGINT is Ctrl-C. */

import { spawn } from 'node:child_process'

const child = spawn('script', ['-qefc', process.argv[2], '/dev/null'], {
  stdio: ['pipe', 'inherit', 'inherit'],
})
process.on('message', (text) => child.stdin.write(text))
process.on('SIGINT', () => child.stdin.write('\u0003'))
process.on('SIGTERM', () => child.kill('SIGTERM'))
process.on('exit', () => child.kill('SIGKILL'))
child.on('close', (code) => process.exit(code ?? 1))
