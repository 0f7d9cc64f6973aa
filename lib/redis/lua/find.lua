#!lua flags=no-writes
-- find: how the task stands that holds a key, or held it when it failed.
--   args: { key }
--   keys: P:key:<key>, P:task:<id>, P:stream:<lane>
--   gives: { state | 'none', id | '' }
--! include base
--! include rare

local task = rare()
local id = call('GET', P .. ':key:' .. args[1])
if not id then return { 'none', '' } end
local record = call('HMGET', TASK .. id, 'entry', 'end')
local state = task.standing(record[1], record[2])
return { state, state == 'none' and '' or id }
