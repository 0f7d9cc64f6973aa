#!lua
-- several: calls for several queues of one Redis that are accepted all or none. Refused as a whole at maxmemory, before
-- anything is written.
--   args: for each of KEYS what enqueue takes, as { resent, cap, any, … }
--   keys: KEYS is P of each queue, and no queue comes twice; of each those of enqueue
--   each: all are looked at first; where one call of one queue is refused, or the user may not write one of the keys, none
--         of any is accepted
--   gives: for each queue what enqueue gives
--! include base

-- As a caller's batch, for the queue of that prefix.
local function enqueue(P, STREAM, TASK, args)
--! body enqueue
end

-- Redis checks each key when it is written, and undoes nothing of what was written before.
local FIELDS = { 'front', 'waiting', 'scheduled', 'expiring', 'settings', 'ring', 'resting', 'releasing', 'outbox' }
local FAMILIES = { 'task', 'key', 'joined', 'void', 'line', 'limit', 'busy', 'rate', 'deps', 'flow' }
local function forbidden(prefix)
  local keys = {}
  for _, name in ipairs(FIELDS) do keys[#keys + 1] = prefix .. ':' .. name end
  for _, name in ipairs(FAMILIES) do keys[#keys + 1] = prefix .. ':' .. name .. ':x' end
  for _, lane in ipairs(LANES) do keys[#keys + 1] = prefix .. ':stream:' .. lane end
  for _, key in ipairs(keys) do
    -- It reads and writes, and enqueue needs it too.
    if not redis.acl_check_cmd('HINCRBY', key, 'x', '1') then return key end
  end
  if not redis.acl_check_cmd('PUBLISH', prefix .. ':control', 'x') then return prefix .. ':control' end
end

-- Of each queue what enqueue gives, and whether one of them had anything to say.
local function each(how)
  local answers, has_notes = {}, false
  for n, prefix in ipairs(KEYS) do
    args[n][3] = how
    answers[n] = enqueue(prefix, prefix .. ':stream:', prefix .. ':task:', args[n])
    has_notes = has_notes or type(answers[n]) == 'table'
  end
  return answers, has_notes
end

for _, prefix in ipairs(KEYS) do
  local key = forbidden(prefix)
  if key then return redis.error_reply('NOPERM no right to ' .. key) end
end
local answers, is_refused = each('look')
if is_refused then return answers end
return (each(''))
