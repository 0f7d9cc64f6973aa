/** Which times a schedule has, and which of its slots are run: a pure function, so that every instant can be tried. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nextTimes, OptionError, type ScheduleOptions } from '../lib/index.ts'
import {
  type Course,
  courseOf,
  dueAt,
  dueSlots,
  LATE,
  type Missed,
  resolveSchedule,
  timingText,
  upcoming,
} from '../lib/schedule.ts'

const HOUR = 3_600_000
const ms = (iso: string): number => Date.parse(iso)
const iso = (dates: readonly (Date | number)[]): string[] => dates.map((date) => new Date(date).toISOString())
const next = (options: ScheduleOptions, from: string, count: number): string[] =>
  iso(nextTimes(options, { from: ms(from), count }))

/** As a worker reads it from Redis. */
function course(options: ScheduleOptions, since = '2026-01-01T00:00:00Z', name = 'n'): Course {
  const { timing, missed, overlap } = resolveSchedule('n', options)
  return courseOf({ name, when: timingText(timing), missed, overlap, since: ms(since) })
}

describe('cron', () => {
  test('five fields, six with seconds, names, lists, ranges and steps', () => {
    const from = '2026-01-01T00:00:00Z'
    assert.deepEqual(next({ cron: '30 8 * * *' }, from, 2), [
      '2026-01-01T08:30:00.000Z',
      '2026-01-02T08:30:00.000Z',
    ])
    assert.deepEqual(next({ cron: '*/20 * * * * *' }, from, 3), [
      '2026-01-01T00:00:20.000Z',
      '2026-01-01T00:00:40.000Z',
      '2026-01-01T00:01:00.000Z',
    ])
    assert.deepEqual(next({ cron: '0 12 * JAN,MAR MON-TUE' }, from, 3), [
      '2026-01-05T12:00:00.000Z',
      '2026-01-06T12:00:00.000Z',
      '2026-01-12T12:00:00.000Z',
    ])
    assert.deepEqual(next({ cron: '0 0 29 2 *' }, from, 1), ['2028-02-29T00:00:00.000Z'])
    assert.deepEqual(next({ cron: '0 0 L * *' }, from, 2), [
      '2026-01-31T00:00:00.000Z',
      '2026-02-28T00:00:00.000Z',
    ])
    assert.deepEqual(next({ cron: '@daily' }, from, 1), ['2026-01-02T00:00:00.000Z'])
    // As Vixie cron has it: either of the two days.
    assert.deepEqual(next({ cron: '0 0 13 * FRI' }, '2026-02-10T00:00:00Z', 3), [
      '2026-02-13T00:00:00.000Z',
      '2026-02-20T00:00:00.000Z',
      '2026-02-27T00:00:00.000Z',
    ])
  })

  test('a time is after the one that is asked about, to the millisecond', () => {
    const cron = '0 12 * * *'
    assert.deepEqual(next({ cron }, '2026-01-01T11:59:59.999Z', 1), ['2026-01-01T12:00:00.000Z'])
    assert.deepEqual(next({ cron }, '2026-01-01T12:00:00.000Z', 1), ['2026-01-02T12:00:00.000Z'])
    assert.deepEqual(next({ cron }, '2026-01-01T12:00:00.001Z', 1), ['2026-01-02T12:00:00.000Z'])
  })

  test('the default time zone is UTC, wherever the process is', () => {
    const before = process.env.TZ
    try {
      process.env.TZ = 'Asia/Tokyo'
      assert.equal(new Date('2026-01-01T00:00:00Z').getHours(), 9)
      assert.deepEqual(next({ cron: '0 12 * * *' }, '2026-01-01T00:00:00Z', 1), ['2026-01-01T12:00:00.000Z'])
      assert.deepEqual(
        next({ cron: '0 12 * * *', timezone: 'America/New_York' }, '2026-01-01T00:00:00Z', 1),
        ['2026-01-01T17:00:00.000Z'],
      )
    } finally {
      if (before === undefined) delete process.env.TZ
      else process.env.TZ = before
    }
  })
})

describe('daylight saving in Europe/Berlin', () => {
  const timezone = 'Europe/Berlin'
  /** The clocks go from 2:00 to 3:00 at 01:00Z on 2026-03-29, and from 3:00 to 2:00 at 01:00Z on 2026-10-25. */
  const spring = '2026-03-28T12:00:00Z'
  const autumn = '2026-10-24T12:00:00Z'

  test('a day is as long as it is: the same time by the clocks', () => {
    assert.deepEqual(next({ cron: '0 12 * * *', timezone }, spring, 2), [
      '2026-03-29T10:00:00.000Z',
      '2026-03-30T10:00:00.000Z',
    ])
    assert.deepEqual(next({ cron: '0 12 * * *', timezone }, autumn, 2), [
      '2026-10-25T11:00:00.000Z',
      '2026-10-26T11:00:00.000Z',
    ])
  })

  test('a time that is named and skipped comes when the clocks have been put forward, once', () => {
    assert.deepEqual(next({ cron: '30 2 * * *', timezone }, spring, 2), [
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    assert.deepEqual(next({ cron: '0,30 2,3 * * *', timezone }, spring, 3), [
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T01:30:00.000Z',
      '2026-03-30T00:00:00.000Z',
    ])
  })

  test('a time that is named and comes twice is run the first time', () => {
    assert.deepEqual(next({ cron: '30 2 * * *', timezone }, autumn, 2), [
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
    assert.deepEqual(next({ cron: '0 1-3 * * *', timezone }, autumn, 3), [
      '2026-10-24T23:00:00.000Z',
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ])
  })

  test('stars and steps go on in real time: what is skipped is not there, what comes twice is run twice', () => {
    const from = '2026-03-29T00:00:00Z'
    assert.deepEqual(next({ cron: '*/30 * * * *', timezone }, from, 3), [
      '2026-03-29T00:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T01:30:00.000Z',
    ])
    assert.deepEqual(next({ cron: '*/30 2 * * *', timezone }, spring, 1), ['2026-03-30T00:00:00.000Z'])
    assert.deepEqual(next({ cron: '0 * * * *', timezone }, '2026-10-24T23:30:00Z', 3), [
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ])
  })

  test('every counts real time', () => {
    const options = { every: 24 * HOUR, at: ms('2026-03-28T11:00:00Z') }
    assert.deepEqual(next(options, spring, 1), ['2026-03-29T11:00:00.000Z'])
  })

  test('what was missed is what would have come, around every change and in other zones', () => {
    const patterns = [
      '*/30 * * * *',
      '30 2 * * *',
      '0,30 1-3 * * *',
      '*/20 2 * * *',
      '0 0 * * *',
      '30 1 * * *',
    ]
    const changes = ['2026-03-07', '2026-03-28', '2026-04-04', '2026-10-03', '2026-10-24', '2026-10-31']
    let compared = 0
    for (const zone of [timezone, 'America/New_York', 'Australia/Lord_Howe'])
      for (const cron of patterns) {
        const { timeline } = course({ cron, timezone: zone })
        for (const day of changes) {
          const [from, to] = [ms(`${day}T12:00:00Z`), ms(`${day}T12:00:00Z`) + 36 * HOUR]
          const forward: number[] = []
          for (let slot = timeline.after(from - 1); slot! <= to; slot = timeline.after(slot!))
            forward.push(slot!)
          assert.deepEqual(iso(timeline.between(from, to, 1_000)), iso(forward), `${cron} ${zone} ${day}`)
          compared += forward.length
        }
      }
    assert.ok(compared > 1_000)
  })
})

describe('every and at', () => {
  test('every counts from the definition, which is no slot, else from at, which is one', () => {
    const { timeline } = course({ every: 1_000 }, '2026-01-01T00:00:00.250Z')
    assert.equal(timeline.after(ms('2026-01-01T00:00:03.249Z')), ms('2026-01-01T00:00:03.250Z'))
    assert.deepEqual(next({ every: 1_000 }, '2026-01-01T00:00:00.250Z', 2), [
      '2026-01-01T00:00:01.250Z',
      '2026-01-01T00:00:02.250Z',
    ])
    const at = new Date('2026-01-01T00:00:00.100Z')
    assert.deepEqual(next({ every: 1_000, at }, '2026-01-01T00:00:05Z', 1), ['2026-01-01T00:00:05.100Z'])
    assert.deepEqual(next({ every: 1_000, at }, '2025-01-01T00:00:00Z', 2), [
      '2026-01-01T00:00:00.100Z',
      '2026-01-01T00:00:01.100Z',
    ])
    assert.deepEqual(next({ at }, '2025-01-01T00:00:00Z', 5), ['2026-01-01T00:00:00.100Z'])
    assert.deepEqual(next({ at }, '2026-01-01T00:00:00.100Z', 5), [])
  })

  test('slots between two times, the newest of them', () => {
    const { timeline } = course({ every: 10, at: 100 })
    assert.deepEqual(timeline.between(0, 95, 5), [])
    assert.deepEqual(timeline.between(0, 125, 5), [100, 110, 120])
    assert.deepEqual(timeline.between(101, 140, 2), [130, 140])
    const once = course({ at: 100 }).timeline
    assert.deepEqual(
      [once.between(0, 99, 5), once.between(0, 100, 5), once.between(101, 200, 5)],
      [[], [100], []],
    )
  })
})

describe('jitter', () => {
  test('is the same for a slot whoever computes it, differs between slots and names, and keeps within', () => {
    const [a, b] = [
      course({ every: 1_000, jitter: 500 }),
      course({ every: 1_000, jitter: 500 }, undefined, 'other'),
    ]
    const offsets = (of: Course): number[] =>
      Array.from({ length: 200 }, (_, i) => dueAt(of, 1_000 * i) - 1_000 * i)
    assert.deepEqual(offsets(a), offsets(course({ every: 1_000, jitter: 500 })))
    assert.notDeepEqual(offsets(a), offsets(b))
    const all = offsets(a)
    assert.ok(all.every((offset) => Number.isInteger(offset) && offset >= 0 && offset <= 500))
    assert.ok(Math.min(...all) < 50 && Math.max(...all) > 450)
    assert.equal(dueAt(course({ every: 1_000 }), 5_000), 5_000)
    const named = nextTimes({ every: 1_000, at: 0, jitter: 500 }, { from: 0, count: 3, name: 'n' })
    assert.deepEqual(
      named.map(Number),
      [1, 2, 3].map((n) => dueAt(a, 1_000 * n)),
    )
  })
})

describe('slots that are due', () => {
  const at = ms('2026-01-01T00:00:00Z')
  const minutes = (n: number): number => at + n * 60_000
  const due = (missed: Missed, slot: number, now: number) => {
    const { run, next } = dueSlots(course({ every: 60_000, at, missed }), slot, now)
    return [run.map((one) => (one - at) / 60_000), next && (next - at) / 60_000]
  }

  test('one that is due is run, whatever is to become of missed ones', () => {
    for (const missed of ['skip', 'once', 'all'] as const) {
      assert.deepEqual(due(missed, minutes(3), minutes(3) - 1), [[], 3])
      assert.deepEqual(due(missed, minutes(3), minutes(3)), [[3], 4])
      assert.deepEqual(due(missed, minutes(3), minutes(3) + LATE), [[3], 4])
    }
  })

  test('one that is later than 15 s was missed', () => {
    assert.deepEqual(due('skip', minutes(3), minutes(3) + LATE + 1), [[], 4])
    assert.deepEqual(due('once', minutes(3), minutes(3) + LATE + 1), [[3], 4])
    assert.deepEqual(due('all', minutes(3), minutes(3) + LATE + 1), [[3], 4])
  })

  test('of many that were missed: none, one for all, or all; one that is due now is run in any case', () => {
    assert.deepEqual(due('skip', minutes(3), minutes(9.5)), [[], 10])
    assert.deepEqual(due('skip', minutes(3), minutes(9.1)), [[9], 10])
    assert.deepEqual(due('once', minutes(3), minutes(9.5)), [[9], 10])
    assert.deepEqual(due('once', minutes(3), minutes(9.1)), [[9], 10])
    assert.deepEqual(due('all', minutes(3), minutes(9.5)), [[3, 4, 5, 6, 7, 8, 9], 10])
  })

  test('all are at most the newest thousand, a hundred at once', () => {
    const all = course({ every: 60_000, at, missed: 'all' })
    const now = minutes(5_000.5)
    const ran: number[] = []
    let [slot, isRest, rounds] = [minutes(3), false, 0]
    for (; rounds < 20; rounds++) {
      const { run, next, hasMore } = dueSlots(all, slot, now, isRest)
      ran.push(...run)
      assert.ok(run.length <= 100)
      slot = next!
      isRest = hasMore
      if (slot > now) break
    }
    assert.deepEqual(
      ran,
      Array.from({ length: 1_000 }, (_, i) => minutes(4_001 + i)),
    )
    assert.equal(slot, minutes(5_001))
  })

  test('the last one, and one that was missed', () => {
    const once = (missed: Missed, now: number) => dueSlots(course({ at, missed }), at, now)
    assert.deepEqual(once('once', at), { run: [at], next: undefined, hasMore: false })
    assert.deepEqual(once('once', at + HOUR), { run: [at], next: undefined, hasMore: false })
    assert.deepEqual(once('all', at + HOUR), { run: [at], next: undefined, hasMore: false })
    assert.deepEqual(once('skip', at + HOUR), { run: [], next: undefined, hasMore: false })
  })

  test('with jitter a slot is due when its own time has come, and none is lost or run early', () => {
    for (const missed of ['skip', 'once', 'all'] as const) {
      const some = course({ every: 1_000, at, jitter: 700, missed })
      const ran: number[] = []
      let slot = at
      for (let now = at; now < at + 60_000; now += 50) {
        const { run, next } = dueSlots(some, slot, now)
        for (const one of run) assert.ok(dueAt(some, one) <= now && dueAt(some, one) > now - 51)
        ran.push(...run)
        slot = next!
      }
      assert.deepEqual(
        ran,
        Array.from({ length: ran.length }, (_, i) => at + 1_000 * i),
      )
      assert.ok(ran.length >= 59)
    }
  })

  test('of cron, over a change of the clocks', () => {
    const nightly = course({ cron: '30 2 * * *', timezone: 'Europe/Berlin', missed: 'all' })
    const { run, next } = dueSlots(nightly, ms('2026-03-28T01:30:00Z'), ms('2026-03-30T12:00:00Z'))
    assert.deepEqual(iso(run), [
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    assert.equal(next, ms('2026-03-31T00:30:00Z'))
  })

  test('the next times are those of the slots, with their jitter', () => {
    const some = course({ every: 1_000, at, jitter: 100 })
    assert.deepEqual(
      upcoming(some, { slot: at }, 3).map(Number),
      [at, at + 1_000, at + 2_000].map((slot) => dueAt(some, slot)),
    )
    assert.deepEqual(upcoming(some, { slot: undefined }, 3), [])
  })
})

describe('what makes no sense is refused, with what is wrong and where', () => {
  const refused = (options: unknown): string => {
    try {
      nextTimes(options as ScheduleOptions)
    } catch (error) {
      assert.ok(error instanceof OptionError, String(error))
      return error.message.replace(/^nextTimes: /, '')
    }
    return assert.fail('it should have been refused')
  }

  test('cron: field and character', () => {
    const cases: [string, RegExp][] = [
      ['61 * * * *', /^cron "61 \* \* \* \*": minute "61" at character 1: Invalid value for minute: 61$/],
      ['0  25 * * *', /: hour "25" at character 4: Invalid value for hour: 25$/],
      ['0 0 0 * *', /: day of month "0" at character 5: /],
      ['0 0 * FOO *', /: month "FOO" at character 7: /],
      ['0 0 * * 9', /: day of week "9" at character 9: /],
      ['99 0 0 * * *', /: second "99" at character 1: /],
      ['*/0 * * * *', /: minute "\*\/0" at character 1: .*stepping/],
      ['5-1 * * * *', /: minute "5-1" at character 1: /],
      ['0:0 * * * *', /: ":" at character 2 has no place there$/],
      [
        '* * * *',
        /: it has 4 fields; five are expected \(minute, hour, day of month, month, day of week\), or six/,
      ],
      ['* * * * * * 2027', /: it has 7 fields; five are expected/],
      ['', /: it has 0 fields/],
      ['@reboot', /: it is none of @hourly, @daily, @weekly, @monthly and @yearly$/],
      ['*'.repeat(300), /: it has 300 characters, at most 256 are read$/],
      ['2026-01-01T00:00:00', /^cron "2026-01-01T00:00:00": ":" at character 14/],
    ]
    for (const [cron, message] of cases) assert.match(refused({ cron }), message)
    assert.match(refused({ cron: 5 }), /^cron must be a string \(given: 5\)$/)
  })

  test('time zones, distances, times, and what goes together', () => {
    const cron = '* * * * *'
    const zone = /^timezone must be a name of the IANA database, such as Europe\/Berlin \(given: "/
    for (const timezone of ['Europe/Berlim', '', 'x y']) assert.match(refused({ cron, timezone }), zone)
    for (const every of [0, -1, 1.5, Number.NaN, '5'])
      assert.match(refused({ every }), /^every must be a whole number from 1 to /)
    assert.match(refused({ at: 'tomorrow' }), /^at must be a Date or a number of ms since 1970/)
    assert.match(refused({ every: 5, jitter: -1 }), /^jitter must be a whole number from 0 to /)
    assert.match(
      refused({ every: 5, missed: 'some' }),
      /^missed must be one of skip, once, all \(given: "some"\)$/,
    )
    assert.match(refused({ every: 5, overlap: 'no' }), /^overlap must be one of allow, skip/)
    assert.equal(refused({}), 'give one of cron, every and at')
    assert.equal(refused({ cron, every: 5 }), 'cron and every exclude each other; give one of them')
    assert.equal(refused({ cron, at: 5 }), 'cron and at exclude each other; give one of them')
    assert.equal(refused({ every: 5, timezone: 'UTC' }), 'timezone is for cron; every and at count real time')
    assert.match(
      refused({ each: 5 }),
      /^unknown option "each" \(known: cron, timezone, every, at, jitter, missed, overlap\)$/,
    )
    assert.match(refused(5), /^options must be an object/)
  })
})
