/** A Redis that dies, is set back, stands still, forgets, is full. */

import { shortForms } from './short.ts'

shortForms(['T3', 'T4', 'T9', 'T10', 'T12', 'T13', 'T14'])
