/**
 * What comes and goes all the time, in the order in which it came: each member knows its neighbours while it is in, and
 * what is taken out leaves nothing behind. A Set leaves tables that refer to each other: fresh-map.ts.
 */

/** Of one list at a time. */
export interface Link {
  before?: Link | undefined
  after?: Link | undefined
}

export class Linked<T extends Link> {
  #first: Link | undefined
  #last: Link | undefined

  /** The one that has been in it for longest. */
  get first(): T | undefined {
    return this.#first as T | undefined
  }

  add(member: T): void {
    member.before = this.#last
    if (this.#last) this.#last.after = member
    else this.#first = member
    this.#last = member
  }

  /** False: it is not in it. */
  remove(member: T): boolean {
    const { before, after } = member
    if (!before && member !== this.#first) return false
    if (before) before.after = after
    else this.#first = after
    if (after) after.before = before
    else this.#last = before
    member.before = undefined
    member.after = undefined
    return true
  }
}
