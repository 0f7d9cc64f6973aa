/**
 * Colours for light and dark pages. Those of the systems are Okabe and Ito's, which people with any kind of colour
 * vision tell apart; each bar and line also carries its name. The floor is an outline: it is no queue.
 */

import type { SystemId } from '../systems/system.ts'

export interface Theme {
  readonly name: 'light' | 'dark'
  readonly text: string
  readonly muted: string
  readonly grid: string
  readonly systems: Readonly<Record<SystemId, string>>
}

export const THEMES: readonly Theme[] = [
  {
    ...{ name: 'light', text: '#1f2328', muted: '#59636e', grid: '#d1d9e0' },
    systems: { millrace: '#0072b2', bullmq: '#d55e00', 'bee-queue': '#009e73', floor: '#6e7781' },
  },
  {
    ...{ name: 'dark', text: '#f0f6fc', muted: '#9198a1', grid: '#3d444d' },
    systems: { millrace: '#56b4e9', bullmq: '#e69f00', 'bee-queue': '#2bc49a', floor: '#9198a1' },
  },
]

export const NAMES: Readonly<Record<SystemId, string>> = {
  millrace: 'Millrace',
  bullmq: 'BullMQ',
  'bee-queue': 'bee-queue',
  floor: 'floor (plain ioredis)',
}

/** From top to bottom. */
export const ORDER = ['millrace', 'bullmq', 'bee-queue', 'floor'] as const
