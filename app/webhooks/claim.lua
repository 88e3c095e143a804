-- Claims webhooks that are due: no other front end gets them before the lease ends.
-- Reads keys that are not in KEYS, those of the webhooks. So it needs a single Redis and no cluster.
-- KEYS: the set of open webhooks by the time when each is due.
-- ARGV: the time and the end of the lease in s since 1970, how many to claim, what the key of a webhook
-- begins with.
-- Returns how many are open, how many have expired, the id and the fields of each that is claimed.
local open = KEYS[1]
local now_s, lease_ends_s, count, prefix = unpack(ARGV)
local claimed, expired = {}, 0
for _, id in ipairs(redis.call('ZRANGE', open, '-inf', now_s, 'BYSCORE', 'LIMIT', 0, count)) do
  -- A key that is no hash gives a table without entries.
  local fields = redis.pcall('HGETALL', prefix .. id)
  if #fields == 0 then
    redis.call('ZREM', open, id)
    expired = expired + 1
  else
    redis.call('ZADD', open, lease_ends_s, id)
    claimed[#claimed + 1] = {id, fields}
  end
end
return {redis.call('ZCARD', open), expired, claimed}
