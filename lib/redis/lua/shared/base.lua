-- Every script: KEYS[1] is P, the queue's prefix, which carries the hash tag (several.lua has more of them); ARGV[1] is one
-- framed array.
local call, pcall, P, GROUP = redis.call, redis.pcall, KEYS[1], 'workers'
local STREAM, TASK = P .. ':stream:', P .. ':task:'
local LANES = { 'first', 'high', 'normal', 'low' }
local args = cmsgpack.unpack(ARGV[1])
local MAX_INLINE = 65536 -- bytes of a value that is sent along; a larger one is read from the record
local LAST_LOOK = 30000 -- ms that a record stays for those who are about to read it
local time = call('TIME')
-- Epoch ms, as a string: each number that becomes one costs as much as a small command, here and in the arguments of call.
local now = time[1] .. string.sub('00000' .. time[2], -6, -4)

-- Where a task's entry is: `<stream id>` in lane normal, where most are, `<lane>/<stream id>` in another.
local function place_of(lane, entry) return lane == 'normal' and entry or lane .. '/' .. entry end
