/** What should not be in Redis, and more than fits. */

import { shortForms } from './short.ts'

shortForms(['T19', 'T23'])
