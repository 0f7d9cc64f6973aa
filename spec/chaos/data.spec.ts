/** What should not be in Redis, more than fits, and what is taken back. */

import { shortForms } from './short.ts'

shortForms(['T19', 'T23', 'T25'])
