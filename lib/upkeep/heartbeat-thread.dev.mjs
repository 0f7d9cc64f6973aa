// From source the thread needs tsx, which a worker_threads Worker on Node 20 does not inherit from `--import tsx`. That
// costs 0.6 s of CPU each time, and the specs start hundreds: they have it in one piece (scripts/test.ts). A loader of
// the fault suite that changes what is loaded (GUARD) has to see the files.
const { MILLRACE_THREAD: inOnePiece, GUARD: guard } = process.env

if (inOnePiece && !guard) {
  await import(inOnePiece)
} else {
  const { register } = await import('tsx/esm/api')
  register()
  await import('./heartbeat-thread.ts')
}
