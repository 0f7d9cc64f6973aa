-- Few tasks end so.
-- The dead letters stay bounded: at most max_failed, and of the two oldest those whose record has expired go.
local function keep_failed(id, max_failed)
  local failed = P .. ':failed'
  call('ZADD', failed, now, id)
  for _, old in ipairs(call('ZRANGE', failed, 0, 1)) do
    if call('EXISTS', TASK .. old) == 0 then call('ZREM', failed, old) end
  end
  local over = call('ZCARD', failed) - max_failed
  if over > 0 then
    local oldest = call('ZPOPMIN', failed, math.min(over, 100))
    -- Not at once: an outcome that is sent again, or a large error that is fetched, must find it.
    for i = 1, #oldest, 2 do call('PEXPIRE', TASK .. oldest[i], LAST_LOOK) end
  end
end

-- A key is free when its task ends. One that is held for a time stays, and the record as long as that, unless the task
-- never came to an end of its own; that of a failed task stays as long as the
-- failure is kept, so that it can be found by it. A task that waits for the end of this one takes its place.
local function release_key(how, id, name)
  local key = P .. ':key:' .. name
  local holder, follower = call('GET', key), call('HGET', TASK .. id, 'next')
  local waits = follower and call('HMGET', TASK .. follower, 'entry', 'call', 'end', 'begin')
  local lane = waits and waits[1] and waits[2] and not waits[3] and string.match(waits[1], '^waiting/(%a+)$')
  if lane then
    -- A key that is held for a time may be free by now, or another's: who waits for this task goes on all the same.
    if not holder or holder == id then call('SET', key, follower, 'KEEPTTL') end
    go_on(follower, lane, waits[2], waits[4])
  elseif holder == id then
    local held_for = call('PTTL', key)
    if how.state == 'cancelled' or how.state == 'expired' or (held_for < 0 and how.state ~= 'failed') then
      call('DEL', key)
    elseif held_for < 0 then
      call('PEXPIREAT', key, how.expiry)
    elseif now + held_for > tonumber(how.expiry) then
      call('PEXPIREAT', TASK .. id, string.format('%.0f', now + held_for))
    end
  end
end

-- Who asked at the call, '' = nobody: the entry's first byte is the length of the client's name, which follows it
-- (lib/envelope.ts).
local function asker(packed_call)
  return string.match(string.sub(packed_call, 2, 1 + (string.byte(packed_call, 1) or 0)), '^[%w_-]+$') or ''
end

-- A failure that a script itself finds: the error in the form that lib/remote-error.ts reads. cause: packed.
local function settle_as_error(how, id, packed_call, kept, clients, key_name, tied, name, code, message, cause)
  local packed = cmsgpack.pack({ name = name, code = code, message = message })
  -- What is packed elsewhere need not be understood here: a map of three, and a fourth pair behind them.
  if cause then packed = '\132' .. string.sub(packed, 2) .. '\165cause' .. cause end
  settle(how, id, TASK .. id, how.ran or '0', packed, kept, asker(packed_call), clients, key_name, tied)
end

-- A task whose cancelling was asked for while it ran, and that its worker does not run any more.
local function settle_cancelled(how, id, lane, entry, packed_call, reason, clients, key_name, tied)
  settle_as_error(how, id, packed_call, packed_call, clients, key_name, tied,
    'TaskCancelledError', 'ERR_MILLRACE_TASK_CANCELLED', reason)
  drop(lane, entry)
end
