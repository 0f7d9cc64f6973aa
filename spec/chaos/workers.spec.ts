/** Workers that die, pause, poison, come and go. */

import { shortForms } from './short.ts'

shortForms(['T1', 'T2', 'T20', 'T21', 'T24'])
