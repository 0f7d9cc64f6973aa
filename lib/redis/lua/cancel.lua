#!lua flags=allow-oom
-- cancel: a task that has not started never will; the worker of one that runs is told to abort it. May run twice.
--   args: { id, reason, ttl }     ttl: ms that the record stays
--   keys: P:task:<id>, P:stream:<lane>, P:waiting, P:scheduled, P:expiring, P:parked, P:key:<key>, P:ended, P:deps:<id>, P:releasing, P:flow:<flow>,
--         P:cancelling zset place → when, P:reply:<client> (published), P:control (published)
--   gives: cancelled, now or before | running: it was told | ended: too late | none: no such task
--! include base
--! include replies
--! include rare
--! include settle

local task = rare()
local answer = task.cancel(args[1], args[2], args[3])
publish_all()
task.tell_nearest()
return answer
