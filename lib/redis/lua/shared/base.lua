-- Every script: KEYS[1] is P, the queue's prefix, which carries the hash tag; ARGV[1] is one framed array.
local call, pcall, P, GROUP = redis.call, redis.pcall, KEYS[1], 'workers'
local LANES = { 'first', 'high', 'normal', 'low' }
local TERMINAL = { succeeded = true, failed = true, cancelled = true, expired = true }
local args = cmsgpack.unpack(ARGV[1])
local MAX_INLINE = 65536 -- bytes of a value that is sent along; a larger one is read from the record
local LAST_LOOK = 30000 -- ms that a record stays for those who are about to read it
local time = call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000)) -- epoch ms, as a string: %.17g is dear

local function stream_of(lane) return P .. ':stream:' .. lane end
local function task_of(id) return P .. ':task:' .. id end
