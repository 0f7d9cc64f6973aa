/** Connections that break, and what comes through them in parts, late, or not at all. */

import { shortForms } from './short.ts'

shortForms(['T5', 'T6', 'T7', 'T8', 'T11', 'T22'])
