#!lua flags=allow-oom
-- groups: makes the streams and their group, at 0: what was enqueued before any worker came is seen. May run twice.
-- A script, because XGROUP CREATE by itself is refused at maxmemory, where workers are needed most.
--   args: {}
--   keys: the group of P:stream:<lane>, P:settings (field `again`: where workers are, or tasks have ended, a new group may
--         deliver once more what has moved on; until a turn leaves all lanes empty), P:control (published: who reads without a turn looks too),
--         P:ended, P:workers, P:task: (read, for the right to do so)
--   gives: how many were missing
--! include base

-- Who may not read records must not begin: most scripts take what they cannot read for no task.
call('HMGET', TASK, 'entry')
local made = 0
for _, lane in ipairs(LANES) do
  local answer = pcall('XGROUP', 'CREATE', STREAM .. lane, GROUP, '0', 'MKSTREAM')
  if not answer.err then
    made = made + 1
    local delivers_again = call('XLEN', STREAM .. lane) > 0 and call('EXISTS', P .. ':ended', P .. ':workers') > 0
    if delivers_again then
      call('HSET', P .. ':settings', 'again', '1')
      call('PUBLISH', P .. ':control', 'void')
    end
  elseif not string.match(answer.err, '^BUSYGROUP') then
    return answer
  end
end
return made
