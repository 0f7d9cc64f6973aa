-- Of what an entry says besides the call: whether it comes too late to begin, and which of its times is over.
local function late(fields)
  for i = 3, #fields - 1, 2 do
    local name = fields[i]
    if (name == 'expires' or name == 'deadline') and (tonumber(fields[i + 1]) or math.huge) <= tonumber(now) then
      return name == 'expires' and 'start in time' or 'end before its deadline'
    end
  end
end
