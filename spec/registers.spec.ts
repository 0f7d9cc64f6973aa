/** What keeps that which comes and goes: it behaves as the language's own, over many comings and goings. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FreshMap } from '../lib/fresh-map.ts'
import { type Link, Linked } from '../lib/linked.ts'

/** Few keys, so that they come back; more steps than a copy waits for. */
const steps = (max: number) =>
  fc.array(fc.record({ key: fc.nat(max), comes: fc.boolean() }), { minLength: 3_000, maxLength: 6_000 })

describe('a map of what comes and goes', () => {
  for (const keys of [4, 2_000]) {
    test(`holds what a Map would, in the same order (of ${keys} keys)`, () => {
      fc.assert(
        fc.property(steps(keys), (history) => {
          const [fresh, map] = [new FreshMap<number, object>(), new Map<number, object>()]
          for (const { key, comes } of history) {
            const value = {}
            if (comes) {
              fresh.set(key, value)
              map.set(key, value)
            } else assert.equal(fresh.delete(key), map.delete(key))
            assert.equal(fresh.size, map.size)
            assert.equal(fresh.has(key), map.has(key))
            assert.equal(fresh.get(key), map.get(key))
          }
          assert.deepEqual([...fresh.keys()], [...map.keys()])
          const [values, expected] = [[...fresh.values()], [...map.values()]]
          assert.ok(values.every((value, i) => value === expected[i]))
        }),
        { numRuns: 10, endOnFailure: true },
      )
    })
  }
})

describe('a list of linked members', () => {
  interface Member extends Link {
    readonly key: number
  }
  const inOrder = (list: Linked<Member>): number[] => {
    const found: number[] = []
    for (let { first } = list; first; first = list.first) {
      found.push(first.key)
      list.remove(first)
    }
    return found
  }

  test('holds them in the order in which they came, and takes any of them out once', () => {
    fc.assert(
      fc.property(steps(50), (history) => {
        const list = new Linked<Member>()
        const members = Array.from({ length: 51 }, (_, key): Member => ({ key }))
        const expected = new Set<number>()
        for (const { key, comes } of history) {
          if (!comes) assert.equal(list.remove(members[key]!), expected.delete(key))
          else if (!expected.has(key)) {
            list.add(members[key]!)
            expected.add(key)
          }
          assert.equal(list.first?.key, [...expected][0])
        }
        assert.deepEqual(inOrder(list), [...expected])
      }),
      { numRuns: 10, endOnFailure: true },
    )
  })

  test('a member that is out knows no neighbours any more', () => {
    const list = new Linked<Member>()
    const members = [1, 2, 3].map((key): Member => ({ key }))
    for (const member of members) list.add(member)
    list.remove(members[1]!)
    assert.deepEqual(members[1], { key: 2, before: undefined, after: undefined })
    assert.deepEqual(inOrder(list), [1, 3])
    assert.equal(list.first, undefined)
  })
})
