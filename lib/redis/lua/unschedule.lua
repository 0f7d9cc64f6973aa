#!lua flags=allow-oom
-- unschedule: removes a schedule; tasks that it has made go on. May run twice.
--   args: { name }
--   keys: P:schedule:<name> hash, P:slots sorted set
--   gives: 1 | 0: there was none
--! include base

local was = call('ZREM', P .. ':slots', args[1])
return math.max(was, call('DEL', P .. ':schedule:' .. args[1]))
