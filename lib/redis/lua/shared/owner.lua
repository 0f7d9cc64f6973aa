-- Who is not registered, or was declared dead, gets nothing more under that id.
local function is_registered(worker)
  local expiry = call('ZSCORE', P .. ':workers', worker)
  return expiry and expiry ~= '0'
end
