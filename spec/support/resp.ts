/**
 * Redis' protocol, both versions, as far as a proxy needs it: where one message ends and the next begins, what a
 * client asks for, and which replies answer nothing that was asked.
 */

const [CR, LF] = [0x0d, 0x0a]

/** Cuts a stream of bytes, as they come, into whole messages. */
export class Splitter {
  #chunks: Buffer[] = []
  #size = 0
  /** Bytes that it takes at least before another look is worth while. */
  #needed = 0

  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#needed) return []
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    const messages: Buffer[] = []
    let at = 0
    this.#needed = 0
    while (at < bytes.length) {
      const end = endOf(bytes, at)
      if (end < 0) {
        this.#needed = -end - at
        break
      }
      messages.push(bytes.subarray(at, end))
      at = end
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : []
    this.#size = bytes.length - at
    return messages
  }
}

/** Where the message that begins here ends; negative: it takes so many bytes at least until that is known. */
function endOf(bytes: Buffer, start: number): number {
  let at = start
  for (let open = 1; open > 0; open--) {
    const line = bytes.indexOf(LF, at)
    if (line < 0 || bytes[line - 1] !== CR) return -(bytes.length + 1)
    const type = String.fromCharCode(bytes[at]!)
    const count = Number(bytes.toString('latin1', at + 1, line - 1))
    at = line + 1
    if (BULKS.has(type)) {
      if (count >= 0) at += count + 2
      if (at > bytes.length) return -at
    } else if (type in ITEMS && count > 0) {
      // Attributes come ahead of what they describe.
      open += ITEMS[type]! * count + (type === '|' ? 1 : 0)
    }
  }
  return at
}

const BULKS: ReadonlySet<string> = new Set('$!=')
/** Messages that hold others, and how many for each that they count. */
const ITEMS: Readonly<Record<string, number>> = { '*': 1, '~': 1, '>': 1, '%': 2, '|': 2 }

export interface Command {
  /** In capitals: EVALSHA. */
  readonly name: string
  /** What follows the name. */
  readonly args: readonly Buffer[]
  /** Of the client: what it has told by CLIENT SETNAME. */
  readonly from: string
}

/** The strings of a request. */
export function stringsOf(request: Buffer): Buffer[] {
  const strings: Buffer[] = []
  let at = request.indexOf(LF) + 1
  while (at < request.length) {
    const line = request.indexOf(LF, at)
    const length = Number(request.toString('latin1', at + 1, line - 1))
    strings.push(request.subarray(line + 1, line + 1 + length))
    at = line + 1 + length + 2
  }
  return strings
}

/** Answered out of line, by a message for each channel. */
export const isSubscribing = (name: string): boolean => /^[PS]?(UN)?SUBSCRIBE$/.test(name)

/** What is told to subscribers, or confirms that they are: it answers no command in line. */
export function isTold(message: Buffer): boolean {
  const head = message.toString('latin1', 0, 32)
  return head[0] === '>' || /^\*[34]\r\n\$\d+\r\n([ps]?message|[ps]?(un)?subscribe)\r/.test(head)
}

/** Null, by any version: a blocking read that brought nothing. */
export const isNothing = (reply: Buffer): boolean => /^(_|[$*]-1)\r\n$/.test(reply.toString('latin1', 0, 8))
