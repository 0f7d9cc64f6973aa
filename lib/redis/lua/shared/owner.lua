-- Who is not registered, or was declared dead, gets nothing more under that id.
local function is_registered(worker)
  local expiry = call('ZSCORE', P .. ':workers', worker)
  return expiry and expiry ~= '0'
end

-- An entry can be delivered a second time when its group was destroyed and made anew: the one who runs the task keeps
-- it. False: that one is dead.
local function leave_to_owner(owner, lane, entry)
  if not is_registered(owner) then return false end
  call('XCLAIM', stream_of(lane), GROUP, owner, 0, entry, 'JUSTID')
  return true
end
