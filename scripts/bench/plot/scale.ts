/** Round numbers for an axis that begins at 0, and how they are written. */

const STEPS = [1, 2, 2.5, 5, 10]

export interface Scale {
  readonly max: number
  readonly ticks: readonly number[]
}

/** About so many steps, the last at or above `most`. */
export function scaleFor(most: number, steps = 5): Scale {
  const rough = Math.max(most, 1e-9) / steps
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = STEPS.map((factor) => factor * power).find((size) => size >= rough * 0.999)!
  const count = Math.ceil(most / step - 1e-9)
  const ticks = Array.from({ length: count + 1 }, (_, n) => n * step)
  return { max: count * step, ticks }
}

/** 139,000 → 139k. */
export function short(value: number): string {
  const [scaled, unit] =
    value >= 1e6 ? [value / 1e6, 'M'] : value >= 10_000 ? [value / 1_000, 'k'] : [value, '']
  if (unit === '' && scaled >= 1_000) return Number(scaled.toPrecision(3)).toLocaleString('en-US')
  return `${Number(scaled.toPrecision(3))}${unit}`
}
