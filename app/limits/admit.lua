-- Admits an upload of an API key, or returns which limit refuses it. A repeat for the same upload
-- returns the same and counts nothing.
-- KEYS: the key's open uploads, a sorted set by the end of their leases; when all that it has sent is
-- forgotten. Times are in ms by this server's clock, since those of front ends may differ.
-- ARGV: the upload's id, its lease in ms, how many may be open (0: any number), how many may be sent
-- in a minute (0: any number).
-- Returns {0, 0}; {1, 0} if too many are open; {2, ms until the next one may be sent}.
local open, sent = unpack(KEYS)
local id, lease_ms, max_open, per_minute = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

if redis.call('ZSCORE', open, id) then return {0, 0} end
redis.call('ZREMRANGEBYSCORE', open, '-inf', now_ms)
if max_open > 0 and redis.call('ZCARD', open) >= max_open then return {1, 0} end

-- The generic cell rate algorithm (ITU-T I.371): a minute's uploads at once, then one for each interval.
if per_minute > 0 then
  local interval_ms = 60000 / per_minute
  local forgotten_ms = math.max(now_ms, tonumber(redis.call('GET', sent) or 0)) + interval_ms
  local ahead_ms = forgotten_ms - now_ms - 60000
  -- Half a millisecond: sums of fractions are not exact.
  if ahead_ms > 0.5 then return {2, math.ceil(ahead_ms)} end
  redis.call('SET', sent, string.format('%.3f', forgotten_ms), 'PX', math.ceil(forgotten_ms - now_ms))
end

redis.call('ZADD', open, now_ms + lease_ms, id)
-- As long as the longest lease: this one.
redis.call('PEXPIRE', open, lease_ms)
return {0, 0}
