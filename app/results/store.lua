-- Stores a finished job's result and pictures in the cache. It first drops expired entries, then
-- the least recently used ones until the new entry fits.
-- Returns false if the pictures don't fit or don't exist, 1 after COPY, the pictures after RENAME. A
-- repeat returns the same: after RENAME the pictures are those of the entry that the job has made.
-- It also deletes keys that are not in KEYS, those of dropped entries. So it needs a single Redis
-- and no cluster, as RQ does.

-- order: sorted set of identities by time of expiry. sizes: hash of bytes by identity, and `total`.
local order, sizes, job_image, job_heatmap, job_record = unpack(KEYS)
-- transfer: COPY, or RENAME for a job whose own keys are no longer needed.
local identity, result, now_s, ttl_s, max_bytes, transfer = unpack(ARGV, 1, 6)
-- The key of an entry is one of these followed by its identity.
local result_prefix, image_prefix, heatmap_prefix = unpack(ARGV, 7, 9)
max_bytes = tonumber(max_bytes)

local function drop(entry)
  redis.call('DEL', result_prefix .. entry, image_prefix .. entry, heatmap_prefix .. entry)
  redis.call('ZREM', order, entry)
  local bytes = redis.call('HGET', sizes, entry)
  if bytes then
    redis.call('HDEL', sizes, entry)
    redis.call('HINCRBY', sizes, 'total', -tonumber(bytes))
  end
end

local image, heatmap = image_prefix .. identity, heatmap_prefix .. identity
local function get_pictures() return {redis.call('GET', image), redis.call('GET', heatmap)} end

if redis.call('EXISTS', job_image) == 0 then
  local is_repeat = transfer == 'RENAME' and redis.call('GET', result_prefix .. identity) == result
  return is_repeat and get_pictures()
end
local bytes = redis.call('STRLEN', job_image) + redis.call('STRLEN', job_heatmap) + #result
if bytes > max_bytes then return false end

for _, expired in ipairs(redis.call('ZRANGEBYSCORE', order, '-inf', now_s)) do drop(expired) end
drop(identity)
while tonumber(redis.call('HGET', sizes, 'total') or 0) + bytes > max_bytes do
  local oldest = redis.call('ZRANGE', order, 0, 0)[1]
  if not oldest then redis.call('DEL', sizes) break end
  drop(oldest)
end

redis.call('SET', result_prefix .. identity, result, 'EX', ttl_s)
redis.call(transfer, job_image, image)
redis.call('EXPIRE', image, ttl_s)
if redis.call('EXISTS', job_heatmap) == 1 then
  redis.call(transfer, job_heatmap, heatmap)
  redis.call('EXPIRE', heatmap, ttl_s)
end
redis.call('ZADD', order, now_s + ttl_s, identity)
redis.call('HSET', sizes, identity, bytes)
redis.call('HINCRBY', sizes, 'total', bytes)
redis.call('EXPIRE', order, ttl_s)
redis.call('EXPIRE', sizes, ttl_s)

if transfer == 'COPY' then return 1 end
redis.call('DEL', job_record)
return get_pictures()
