/** A task's progress on one line of the terminal, while it is reported. */

import { cut, hasColours, plain, type Streams, showValue } from './output.ts'

const WIDTH = 30

/** What part is done, where a progress value says so: 0 to 1, 0 to 100 (as percent), or { done, total }. */
export function partOf(value: unknown): number | undefined {
  if (typeof value === 'number' && value >= 0 && value <= 100) return value <= 1 ? value : value / 100
  if (typeof value !== 'object' || value === null) return undefined
  const { done, current, total } = value as Record<string, unknown>
  const so = Number(done ?? current)
  const all = Number(total)
  return so >= 0 && all > 0 && so <= all ? so / all : undefined
}

export function barOf(part: number, width = WIDTH): string {
  const full = Math.round(part * width)
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${String(Math.floor(part * 100)).padStart(3)} %`
}

export class ProgressLine {
  readonly #stream: Streams['stderr']
  #isShown = false

  constructor(stream: Streams['stderr']) {
    this.#stream = stream
  }

  show(value: unknown): void {
    if (!this.#stream.isTTY) return
    const part = partOf(value)
    const text = part === undefined ? plain(showValue(value)).replace(/\s+/g, ' ') : barOf(part)
    this.#isShown = true
    this.#stream.write(
      `\r\u{1b}[K${hasColours(this.#stream) ? '\u{1b}[36m' : ''}${cut(text, (this.#stream.columns ?? 80) - 1)}${hasColours(this.#stream) ? '\u{1b}[39m' : ''}`,
    )
  }

  clear(): void {
    if (this.#isShown) this.#stream.write('\r\u{1b}[K')
    this.#isShown = false
  }
}
