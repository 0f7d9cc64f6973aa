-- The errors of a task's last attempts: attempt, epoch ms and packed error, three items each.
local MAX_ERRORS, MAX_ERROR = 5, 16384

local function keep_error(packed, attempt, value, at)
  local errors = packed and cmsgpack.unpack(packed) or {}
  while #errors >= 3 * MAX_ERRORS do
    for _ = 1, 3 do table.remove(errors, 1) end
  end
  local n = #errors
  errors[n + 1], errors[n + 2], errors[n + 3] = attempt, at or now, #value <= MAX_ERROR and value or ''
  return cmsgpack.pack(errors)
end
