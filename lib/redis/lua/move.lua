#!lua flags=allow-oom
-- move: a task that waits goes to another lane, as its last. May run twice.
--   args: { id, lane }
--   keys: P:task:<id>, P:stream:<lane>, P:control (published)
--   gives: moved | there: it is in that lane | running | ended | none
--! include base
--! include rare

local task = rare()
local answer = task.move(args[1], args[2])
task.tell_nearest()
return answer
