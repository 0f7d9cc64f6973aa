// From source the thread needs tsx, which a worker_threads Worker on Node 20 does not inherit from `--import tsx`.
import { register } from 'tsx/esm/api'

register()
await import('./heartbeat-thread.ts')
