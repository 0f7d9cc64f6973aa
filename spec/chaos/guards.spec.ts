/** The suite sees it when a guard is gone. */

import { shortForms } from './short.ts'

shortForms(['GUARDS'])
