-- Last come, first served: such a task waits in its record and in the list P:front, and is lined up by the turn that
-- takes it. The field `front` of P:settings, which turns read anyway, says that there are any.
local FRONT = P .. ':front'

local function put_front(id, packed_call)
  call('HSET', TASK .. id, 'entry', 'front/first', 'call', packed_call, 'created', now)
  call('LPUSH', FRONT, id)
  call('HSET', P .. ':settings', 'front', '1')
  tell('front')
end

local function take_front(most)
  for _, id in ipairs(call('LPOP', FRONT, most) or {}) do
    local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'call')
    if not record.err and record[1] == 'front/first' and not record[2] then
      call('HDEL', TASK .. id, 'call')
      line_up(id, 'first', record[3])
    end
  end
  if call('EXISTS', FRONT) == 0 then call('HDEL', P .. ':settings', 'front') end
end
