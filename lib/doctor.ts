/** The door for operators: `millrace/doctor`. What is public is named here, and nothing else is done here. */

export { type DiagnoseOptions, type Diagnosis, diagnose } from './doctor/diagnose.ts'
export type { Facts } from './doctor/facts.ts'
export type { Finding, Level } from './doctor/finding.ts'
export type { Consumer, GroupFacts } from './doctor/groups.ts'
export type { OutboxFacts } from './doctor/outbox.ts'
export type { RecordFacts } from './doctor/records.ts'
export { type Repair, type RepairOptions, repair } from './doctor/repair.ts'
export type { ScheduleFacts } from './doctor/schedules.ts'
export type { ServerFacts } from './doctor/server.ts'
export type { DoctorTarget } from './doctor/visit.ts'
